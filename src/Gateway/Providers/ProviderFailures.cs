namespace Gateway.Providers;

/// <summary>The provider did not answer, or not in a way that can be understood.</summary>
internal sealed class ProviderUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The provider answered with an error (RFC 6749, sections 4.1.2.1 and 5.2).</summary>
internal sealed class ProviderRefusedException(string error, string? description) : Exception($"The provider answered {error}.")
{
    public string Error { get; } = error;

    public string? Description { get; } = description;
}

/// <summary>The provider's answer breaks a rule that the gateway must hold it to; the message says which.</summary>
internal sealed class ProviderMistakeException(string message, Exception? inner = null) : Exception(message, inner);
