using System.Net;
using System.Runtime.Versioning;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Packages;

/// <summary>The packaged program twice on one machine, each for a Paperless of its own.</summary>
[Collection<SharedPackages>]
[Needs(RealPart.Process)]
[UnsupportedOSPlatform("windows")]
public sealed class TwoGatewaysTests(BuiltPackages packages, ITestOutputHelper output)
{
    /// <summary>The documents promise less than this for each.</summary>
    private const int MostMebibytes = 256;

    [Fact]
    public async Task Two_gateways_on_one_machine_each_need_little_memory_and_know_nothing_of_each_other()
    {
        string program = Path.Combine(await PackageTests.UnpackedAsync(await packages.TarballAsync()), "lib", "Gateway");
        await using World home = await World.StartAsync(options => options.StartGateway = false);
        await using World office = await World.StartAsync(options => options.StartGateway = false);
        await using GatewayProcess first = await GatewayProcess.StartAsync(home, program);
        await using GatewayProcess second = await GatewayProcess.StartAsync(office, program);
        using Visitor alice = await home.SignedInAsync("alice");
        using Visitor bob = await office.SignedInAsync("bob");

        output.WriteLine($"After a sign-in at each: {first.ResidentMemory()} and {second.ResidentMemory()} MiB.");
        Assert.InRange(first.ResidentMemory(), 1, MostMebibytes);
        Assert.InRange(second.ResidentMemory(), 1, MostMebibytes);
        Assert.Equal("alice", home.Forwarded[^1].SignedInAs);
        Assert.Equal("bob", office.Forwarded[^1].SignedInAs);

        using Visitor stranger = office.NewVisitor();
        Page page = await stranger.FetchAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", $"paperless-gateway={alice.Cookie("paperless-gateway")}"));
        Assert.Equal(HttpStatusCode.Unauthorized, page.Status);
    }
}
