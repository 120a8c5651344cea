namespace Gateway.Providers;

/// <summary>The provider did not answer, or its answer cannot be read. <see cref="ProviderFailureText"/> words it.</summary>
internal sealed class ProviderUnavailableException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What the operator can change, as a sentence without its full stop.</summary>
    public string? Remedy { get; init; }

    public ProviderFault Fault { get; init; } = ProviderFault.UnusableAnswer;
}

/// <summary>Why a provider gave no usable answer. Each has a page of its own.</summary>
internal enum ProviderFault
{
    /// <summary>Nothing answers: the connection is refused, breaks, or no answer comes in time.</summary>
    NoAnswer,

    UnknownName,

    CertificateUntrusted,

    CertificateOutOfDate,

    CertificateOfAnotherName,

    NoSecureConnection,

    RefusedByProxy,

    ErrorStatus,

    Redirect,

    /// <summary>An HTML page in place of JSON.</summary>
    WebPage,

    UnusableAnswer,

    OtherIssuer,

    /// <summary>An earlier provider of the settings has the same issuer.</summary>
    SharedIssuer,

    IncompleteDiscovery,

    NoTenants,
}

/// <summary>The provider answered with an error (RFC 6749, sections 4.1.2.1 and 5.2).</summary>
internal sealed class ProviderRefusedException(string error, string? description) : Exception($"The provider answered {error}.")
{
    public string Error { get; } = error;

    public string? Description { get; } = description;

    /// <summary>The endpoint that answered, and its status; null where the browser brought the error.</summary>
    public string? Answered { get; init; }

    /// <summary>Whether it refused a pushed authorization request, which came without the browser: that says nothing about the person.</summary>
    public bool IsOfPushedRequest { get; init; }
}

/// <summary>The provider's answer violates a rule of the protocol. The message says which rule.</summary>
internal sealed class ProviderMistakeException(string message, Exception? inner = null) : Exception(message, inner);
