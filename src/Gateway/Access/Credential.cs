namespace Gateway.Access;

/// <summary>Which scheme the request's `Authorization` names.</summary>
internal enum Credential
{
    None,
    Token,
    Basic,
    Other,
}
