namespace Gateway.Providers;

/// <summary>The provider did not answer, or its answer cannot be read. <see cref="ProviderFailureText"/> words it.</summary>
internal sealed class ProviderUnavailableException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What the operator can change, as a sentence without its full stop.</summary>
    public string? Remedy { get; init; }

    /// <summary>Whether something answered.</summary>
    public bool HasAnswered { get; init; } = true;
}

/// <summary>The provider answered with an error (RFC 6749, sections 4.1.2.1 and 5.2).</summary>
internal sealed class ProviderRefusedException(string error, string? description) : Exception($"The provider answered {error}.")
{
    public string Error { get; } = error;

    public string? Description { get; } = description;

    /// <summary>Whether it refused a pushed authorization request, which came without the browser: that says nothing about the person.</summary>
    public bool IsOfPushedRequest { get; init; }
}

/// <summary>The provider's answer violates a rule of the protocol. The message says which rule.</summary>
internal sealed class ProviderMistakeException(string message, Exception? inner = null) : Exception(message, inner);
