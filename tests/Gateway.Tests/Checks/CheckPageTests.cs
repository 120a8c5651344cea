using System.Net;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Checks;

/// <summary>`/gateway/check`: the findings for superusers.</summary>
public sealed class CheckPageTests
{
    [Fact]
    public async Task A_superuser_sees_the_findings_and_the_addresses_to_register()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_SUPERUSER_GROUPS"] = "family");
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.OpenAsync("/gateway/check");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("authentik: client secret", page.Text, StringComparison.Ordinal);
        Assert.Contains($"{world.Origin}/accounts/oidc/authentik/login/callback/", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(world.Provider.Options.ClientSecret, page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_superuser_whom_nobody_has_confirmed_for_two_recheck_intervals_is_refused_until_Paperless_is_opened()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_SUPERUSER_GROUPS"] = "family");
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Page stale = await alice.OpenAsync("/gateway/check");
        await alice.NavigateAsync("/documents/2");
        Page confirmed = await alice.OpenAsync("/gateway/check");

        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.OK), (stale.Status, confirmed.Status));
        Assert.Equal("not_confirmed", CapturedLog.Value(Assert.Single(world.Log.Of("Refused")), "Code"));
    }

    [Fact]
    public async Task An_ordinary_user_is_refused()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.ClearReceived();

        Page page = await alice.OpenAsync("/gateway/check");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Empty(world.Provider.Received);
    }

    [Fact]
    public async Task A_stranger_is_asked_to_sign_in()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.OpenAsync("/gateway/check");

        Assert.Equal(HttpStatusCode.Unauthorized, page.Status);
    }
}
