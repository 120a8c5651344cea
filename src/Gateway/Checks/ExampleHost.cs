namespace Gateway.Checks;

/// <summary>The domains of examples (RFC 2606, section 3). A start accepts them, because examples and tests start with them.</summary>
internal static class ExampleHost
{
    private static readonly string[] Domains = ["example.com", "example.org", "example.net"];

    public static bool IsExample(string host) => Domains.Any(domain =>
        host.Equals(domain, StringComparison.OrdinalIgnoreCase) || host.EndsWith("." + domain, StringComparison.OrdinalIgnoreCase));
}
