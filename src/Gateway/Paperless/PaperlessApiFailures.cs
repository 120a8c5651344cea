namespace Gateway.Paperless;

/// <summary>Paperless's API did not do what it was asked for; nothing is known to have changed.</summary>
internal class PaperlessApiException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>It does not answer, answers too slowly, or says that it cannot work: another try later makes sense.</summary>
internal sealed class PaperlessUnavailableException(string message, Exception? inner = null) : PaperlessApiException(message, inner)
{
    /// <summary>A 500: it stumbled over this very request, and would again.</summary>
    public bool IsItsOwnFault { get; init; }
}

/// <summary>The gateway's own credential is not taken, or is not a superuser's: the operator has to change it.</summary>
internal sealed class PaperlessCredentialException(string message) : PaperlessApiException(message);

/// <summary>A 400 that names fields.</summary>
internal sealed class PaperlessRefusedException(IReadOnlyDictionary<string, string[]> fields)
    : PaperlessApiException($"Paperless refuses {string.Join("; ", fields.Select(field => $"{field.Key}: {string.Join(' ', field.Value)}"))}")
{
    public bool Names(string field) => fields.ContainsKey(field);
}
