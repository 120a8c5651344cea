namespace Gateway.Paperless;

/// <summary>A call of Paperless's API failed; whether it changed anything is unknown.</summary>
internal class PaperlessApiException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Paperless does not answer, is too slow, or reports an error: a later retry may succeed.</summary>
internal sealed class PaperlessUnavailableException(string message, Exception? inner = null) : PaperlessApiException(message, inner)
{
    /// <summary>Whether Paperless answered 500: this request would fail again.</summary>
    public bool IsInternalServerError { get; init; }
}

/// <summary>Paperless rejects the gateway's API token, or its user is no superuser: the operator has to change the settings.</summary>
internal sealed class PaperlessCredentialException(string message) : PaperlessApiException(message);

/// <summary>A 400 that names the rejected fields.</summary>
internal sealed class PaperlessRefusedException(IReadOnlyDictionary<string, string[]> fields)
    : PaperlessApiException($"Paperless rejects {string.Join("; ", fields.Select(field => $"{field.Key}: {string.Join(' ', field.Value)}"))}")
{
    public bool HasField(string field) => fields.ContainsKey(field);
}
