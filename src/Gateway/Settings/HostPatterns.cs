using System.Collections.Immutable;

namespace Gateway.Settings;

/// <summary>Matches hosts as Django's `ALLOWED_HOSTS`: names, `.example.com` for a domain and its subdomains, `*` for any. Ports are ignored.</summary>
internal sealed class HostPatterns(ImmutableArray<string> patterns)
{
    public bool Matches(string? host)
    {
        if (string.IsNullOrEmpty(host) || patterns.IsEmpty)
        {
            return false;
        }

        string name = new HostString(host).Host;
        foreach (string pattern in patterns)
        {
            if (pattern == "*" || Matches(name, pattern))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Matches(string name, string pattern) =>
        pattern.StartsWith('.')
            ? name.EndsWith(pattern, StringComparison.OrdinalIgnoreCase)
                || name.AsSpan().Equals(pattern.AsSpan(1), StringComparison.OrdinalIgnoreCase)
            : name.Equals(pattern, StringComparison.OrdinalIgnoreCase);
}
