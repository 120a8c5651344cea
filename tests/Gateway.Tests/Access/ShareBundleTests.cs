using System.Net;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Access;

/// <summary>A share link to several documents gives a zip file to people without a session.</summary>
public sealed class ShareBundleTests
{
    [Theory]
    [InlineData("")]
    [InlineData("/docs")]
    public async Task A_stranger_gets_the_zip_of_a_share_bundle(string scriptName)
    {
        byte[] zip = [.. "PK"u8, .. Enumerable.Range(0, 100_000).Select(number => (byte)number)];
        await using World world = await World.StartAsync(options => options.ScriptName = scriptName);
        world.Paperless.Data.AddShareBundle("bundle_1", zip);
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync($"{scriptName}/share/bundle_1");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal("application/zip", page.Header("Content-Type"));
        Assert.Equal("attachment; filename=\"paperless-share-bundle_1.zip\"", page.Header("Content-Disposition"));
        Assert.Equal(zip, await page.Response.Content.ReadAsByteArrayAsync(World.Ct));
        Assert.Empty(Assert.Single(world.Forwarded).Lines("Remote-User"));
    }
}
