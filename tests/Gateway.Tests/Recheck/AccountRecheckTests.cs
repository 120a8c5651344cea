using System.Net;
using Gateway.StandIns.Provider;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;
using Gateway.Tests.Sessions;

namespace Gateway.Tests.Recheck;

/// <summary>A recheck also checks the Paperless account of the session, even while the provider does not answer.</summary>
public sealed class AccountRecheckTests
{
    /// <summary>Each way in which the provider says nothing.</summary>
    public static TheoryData<string> Silences => ["away", "refuses-to-refresh", "sends-nonsense", "browser-only", "browser-only-waiting"];

    [Theory]
    [MemberData(nameof(Silences))]
    public async Task A_deleted_user_is_signed_out_at_the_recheck_and_no_account_is_created(string silence)
    {
        await using World world = await StartAsync(silence);
        using Visitor alice = await DueAsync(world, silence);
        world.Paperless.Data.RemoveUser(world.LinkOf("alice")!.UserId);

        Page page = await alice.FetchAsync("/api/documents/");

        Assert.Equal(HttpStatusCode.Unauthorized, page.Status);
        Assert.Equal("AccountGone", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
        Assert.Null(world.Paperless.Data.FindUser("alice"));
        Assert.Empty(await world.ListedSessionsAsync());
    }

    [Theory]
    [MemberData(nameof(Silences))]
    public async Task After_a_rename_in_Paperless_the_header_carries_the_new_name_and_never_names_another_user(string silence)
    {
        await using World world = await StartAsync(silence);
        using Visitor alice = await DueAsync(world, silence);
        world.Paperless.Data.UpdateUser("alice", user => user with { Name = "alice.archer", IsSuperuser = true });
        world.Paperless.Data.UpdateUser("bob", user => user with { Name = "alice" });
        world.Paperless.ForgetReceived();

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);

        Assert.All(world.Forwarded, request => Assert.Equal(["alice.archer"], request.Lines("Remote-User")));
        Assert.Equal("alice.archer", await alice.WhoAsync());
        Assert.Equal("alice.archer", Assert.Single(await world.ListedSessionsAsync()).Info.Username);
        Assert.Contains(
            "\"superuser\":true",
            (await alice.FetchAsync("/gateway/session")).Text.Replace(" ", "", StringComparison.Ordinal),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("away", "inactive")]
    [InlineData("away", "replaced")]
    [InlineData("away", "unlinked")]
    [InlineData("browser-only-waiting", "inactive")]
    [InlineData("browser-only-waiting", "replaced")]
    [InlineData("browser-only-waiting", "unlinked")]
    public async Task A_recheck_signs_out_a_user_who_was_deactivated_replaced_or_unlinked(string silence, string how)
    {
        await using World world = await StartAsync(silence);
        using Visitor alice = await DueAsync(world, silence);
        switch (how)
        {
            case "inactive":
                world.Paperless.Data.UpdateUser("alice", user => user with { IsActive = false });
                break;
            case "replaced":
                world.Paperless.Data.UpdateUser("alice", user => user with { Joined = user.Joined.AddDays(1) });
                break;
            default:
                await world.Gateway.Services.GetRequiredService<Gateway.Storage.IAccountLinkStore>().RemoveAsync(world.KeyOf("alice"), World.Ct);
                break;
        }

        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal("AccountGone", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
    }

    [Theory]
    [MemberData(nameof(Silences))]
    public async Task A_recheck_while_Paperless_does_not_answer_either_ends_no_session_and_is_repeated(string silence)
    {
        await using World world = await StartAsync(silence);
        using Visitor alice = await DueAsync(world, silence);
        world.Paperless.Data.UpdateUser(World.GatewayUser, user => user with { IsActive = false });

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Single(world.Log.Of("AccountNotChecked"));
        Assert.Empty(world.Log.Of("SessionEnded"));

        world.Paperless.Data.UpdateUser(World.GatewayUser, user => user with { IsActive = true });
        world.Paperless.Data.RemoveUser(world.LinkOf("alice")!.UserId);
        world.Clock.Advance(TimeSpan.FromMinutes(1.1));
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Fact]
    public async Task While_a_session_waits_for_silent_authentication_each_interval_asks_Paperless_once_and_no_provider()
    {
        await using World world = await StartAsync("browser-only-waiting");
        using Visitor alice = await DueAsync(world, "browser-only-waiting");
        world.Provider.ClearReceived();
        world.Paperless.ForgetReceived();

        for (int minute = 0; minute < 25; minute++)
        {
            await alice.FetchAsync("/api/documents/");
            await alice.FetchAsync("/api/documents/");
            world.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        await world.UntilAsync(() => world.ApiRequests.Count >= 5, "Paperless is asked.");
        Assert.InRange(world.ApiRequests.Count, 5, 7);
        Assert.All(world.ApiRequests, request => Assert.Equal($"/api/users/{world.LinkOf("alice")!.UserId}/", request.RawPath));
        Assert.Empty(world.Provider.Received);
    }

    private static Task<World> StartAsync(string silence) => RecheckWorld.StartAsync(refresh: !silence.StartsWith("browser-only", StringComparison.Ordinal));

    /// <summary>A browser whose session is due, at a provider that says nothing about it.</summary>
    private static async Task<Visitor> DueAsync(World world, string silence)
    {
        Visitor alice = await world.SignedInAsync("alice");
        if (silence == "browser-only-waiting")
        {
            world.Clock.Advance(TimeSpan.FromMinutes(11));
            Assert.Equal(4, (await alice.NavigateAsync("/documents/2")).Trail.Count);
            world.Clock.Advance(TimeSpan.FromMinutes(11));
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        }

        world.Clock.Advance(TimeSpan.FromMinutes(11));
        switch (silence)
        {
            case "away":
                world.Provider.Outage = Outage.DropsConnections;
                break;
            case "refuses-to-refresh":
                world.Provider.NextTokenError = new ProviderError("invalid_client");
                break;
            case "sends-nonsense":
                world.Provider.TamperIdToken = claims =>
                {
                    claims["aud"] = "somebody-else";
                    return claims;
                };
                break;
        }

        return alice;
    }
}
