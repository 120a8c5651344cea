using Xunit.v3;

namespace Gateway.Tests;

/// <summary>A program that some tests start beside the test process.</summary>
public enum RealPart
{
    /// <summary>`/usr/bin/chromium`.</summary>
    Chromium,

    /// <summary>`/usr/bin/redis-server`.</summary>
    Redis,

    /// <summary>`/usr/sbin/nginx`.</summary>
    Nginx,

    /// <summary>`/usr/sbin/haproxy`.</summary>
    HAProxy,

    /// <summary>`/usr/bin/caddy`.</summary>
    Caddy,

    /// <summary>`/usr/bin/fail2ban-regex`.</summary>
    Fail2Ban,

    /// <summary>`/usr/sbin/apache2`.</summary>
    Apache,

    /// <summary>`/usr/bin/prometheus`.</summary>
    Prometheus,

    /// <summary>The npm package oidc-provider of `tests/interop`.</summary>
    OidcProvider,

    /// <summary>The npm packages of `tests/lint`.</summary>
    Linters,

    /// <summary>A Debian of its own in a folder, which only root can enter.</summary>
    Debian,

    /// <summary>`/usr/bin/lintian`.</summary>
    Lintian,

    /// <summary>`/usr/bin/systemd-analyze`.</summary>
    Systemd,

    /// <summary>The gateway or the sandbox in a process of its own, or the .NET SDK.</summary>
    Process,
}

/// <summary>Names the real parts that a test starts. `tests/run --quick` leaves out every test with this attribute.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class NeedsAttribute(params RealPart[] parts) : Attribute, ITraitAttribute
{
    private const string Trait = "Needs";

    public IReadOnlyList<RealPart> Parts => parts;

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [.. parts.Select(part => KeyValuePair.Create(Trait, part.ToString()))];

    /// <summary>Comes before each start of a real part.</summary>
    /// <exception cref="InvalidOperationException">The running test does not say that it needs the part.</exception>
    public static void Check(RealPart part)
    {
        ITestContext context = TestContext.Current;
        IReadOnlyDictionary<string, IReadOnlyCollection<string>>? traits = context.TestCase?.Traits ?? context.TestClass?.Traits;
        if (traits?.TryGetValue(Trait, out IReadOnlyCollection<string>? needed) != true || !needed!.Contains(part.ToString()))
        {
            throw new InvalidOperationException(
                $"The test starts {part}. Put [Needs(RealPart.{part})] on it or on its class, so that 'tests/run --quick' leaves it out.");
        }
    }
}
