namespace Gateway.Paperless;

/// <summary>A call of Paperless's API failed; whether it changed anything is unknown.</summary>
internal class PaperlessApiException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Why Paperless gave no usable answer.</summary>
internal enum PaperlessFault
{
    /// <summary>Nothing answers: the connection is refused, breaks, or no answer comes in time.</summary>
    NoAnswer,

    UnknownName,

    NoSecureConnection,

    /// <summary>It answered with a status that says it cannot now.</summary>
    ErrorStatus,

    /// <summary>It answered something that Paperless does not answer.</summary>
    NotPaperless,
}

/// <summary>Paperless does not answer, is too slow, or reports an error: a later retry may succeed. The message names the address and what came.</summary>
internal sealed class PaperlessUnavailableException(string message, PaperlessFault fault, Exception? inner = null) : PaperlessApiException(message, inner)
{
    public PaperlessFault Fault { get; } = fault;

    /// <summary>Whether Paperless answered 500: this request would fail again.</summary>
    public bool IsInternalServerError { get; init; }
}

/// <summary>What is wrong with the gateway's API token.</summary>
internal enum CredentialFault
{
    Refused,

    NotSuperuser,

    /// <summary>Paperless gives none for the user and password of the settings.</summary>
    Missing,
}

/// <summary>Paperless rejects the gateway's API token, or its user is no superuser: the operator has to change the settings.</summary>
internal sealed class PaperlessCredentialException(string message, CredentialFault fault) : PaperlessApiException(message)
{
    public CredentialFault Fault { get; } = fault;
}

/// <summary>A 400 that names the rejected fields.</summary>
internal sealed class PaperlessRefusedException(IReadOnlyDictionary<string, string[]> fields)
    : PaperlessApiException($"Paperless rejects {string.Join("; ", fields.Select(field => $"{field.Key}: {string.Join(' ', field.Value)}"))}")
{
    public bool HasField(string field) => fields.ContainsKey(field);
}
