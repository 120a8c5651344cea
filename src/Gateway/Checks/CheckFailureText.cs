namespace Gateway.Checks;

/// <summary>The reason of a failed request in .NET's own words.</summary>
internal static class CheckFailureText
{
    private const int MaxLength = 300;

    /// <summary>.NET's outer messages refer to the inner exception, which has the reason.</summary>
    public static string Innermost(Exception error)
    {
        if (error is HttpRequestException { HttpRequestError: HttpRequestError.ProxyTunnelError })
        {
            // Its message has the proxy's password.
            return "the HTTP proxy refused the connection";
        }

        while (error.InnerException is { } inner)
        {
            error = inner;
        }

        string message = error.Message.TrimEnd('.');
        return message.Length > MaxLength ? message[..MaxLength] : message;
    }
}
