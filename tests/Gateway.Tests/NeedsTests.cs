using System.Text.RegularExpressions;
using Gateway.Tests.Browser;
using Gateway.Tests.Interop;
using Gateway.Tests.Kit;

namespace Gateway.Tests;

/// <summary>`tests/run --quick` leaves out each test that starts a real part, because that test says so.</summary>
public sealed partial class NeedsTests(Chromium chromium)
{
    [Fact]
    public async Task A_test_that_does_not_name_a_real_part_cannot_start_it()
    {
        await AssertRefusedAsync(RealPart.Chromium, () => chromium.OpenAsync());
        await AssertRefusedAsync(RealPart.Redis, () => RedisServer.StartAsync());
        await AssertRefusedAsync(RealPart.Nginx, () => ReverseProxy.StartAsync(RealPart.Nginx, World.FreePort(), World.FreePort()));
        await AssertRefusedAsync(RealPart.OidcProvider, () => OidcProviderProcess.StartAsync(new OidcProviderSettings { RedirectUris = [] }, World.Ct));
        await AssertRefusedAsync(RealPart.Process, () => ProgramProcess.RunAsync("Gateway", ["validate"]));
        await AssertRefusedAsync(RealPart.Debian, DebianRoot.CreateAsync);
        await AssertRefusedAsync(RealPart.Linters, () => Command.RunAsync(RealPart.Linters, "node", ["lint.mjs"], Repository.Root, World.Ct));
    }

    [Fact]
    [Needs(RealPart.Linters, RealPart.Process)]
    public void A_test_may_start_the_real_parts_that_it_names_and_no_other()
    {
        NeedsAttribute.Check(RealPart.Linters);
        NeedsAttribute.Check(RealPart.Process);
        Assert.Throws<InvalidOperationException>(() => NeedsAttribute.Check(RealPart.Redis));
    }

    /// <summary>Read from the source of the tests. `kill` sends a signal to a real part that a test has started.</summary>
    [Fact]
    public void Every_file_that_starts_a_process_checks_that_the_test_names_it()
    {
        string tests = Path.Combine(Repository.Root, "tests", "Gateway.Tests");
        string[] starting = [.. Directory.EnumerateFiles(tests, "*.cs", SearchOption.AllDirectories)
            .Where(file => StartsProcess().IsMatch(File.ReadAllText(file)))];

        Assert.Contains(Path.Combine(tests, "Kit", "RedisServer.cs"), starting);
        Assert.All(starting, file => Assert.Contains("NeedsAttribute.Check(", File.ReadAllText(file), StringComparison.Ordinal));
    }

    private static async Task AssertRefusedAsync(RealPart part, Func<Task> start)
    {
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(start);
        Assert.Contains($"[Needs(RealPart.{part})]", refused.Message, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"(?<!\w)(Process\.Start\((?!""kill"")|new Process\b|new ProcessStartInfo|ProcessStartInfo \w+ = new|Playwright\.CreateAsync)")]
    private static partial Regex StartsProcess();
}
