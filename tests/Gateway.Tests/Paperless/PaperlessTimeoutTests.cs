using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.PasswordSessions;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Paperless;

/// <summary>The gateway's own requests to a Paperless that never answers time out.</summary>
public sealed class PaperlessTimeoutTests : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.StartAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_sign_out_waits_at_most_three_seconds_for_Paperless()
    {
        using Visitor alice = await _world.SignedInAsync("alice");

        Page page = await GivenUpAsync("/accounts/logout/", TimeSpan.FromSeconds(3), () => alice.OpenAsync("/accounts/logout/", "same-origin"));

        Assert.Equal(HttpStatusCode.SeeOther, page.Status);
        Assert.Equal(
            $"{_world.Paperless.Address.GetLeftPart(UriPartial.Authority)}/accounts/logout/ did not answer in time",
            CapturedLog.Value(Assert.Single(_world.Log.Of("PaperlessSessionNotEnded")), "Reason"));
    }

    [Fact]
    public async Task The_lookup_of_a_password_sessions_owner_times_out_after_five_seconds()
    {
        using Visitor alice = await _world.SignedInWithPasswordAsync("alice");

        Page page = await GivenUpAsync("/api/ui_settings/", TimeSpan.FromSeconds(5), () => alice.SessionAsync());

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Equal(
            $"{_world.Paperless.Address.GetLeftPart(UriPartial.Authority)}/api/ui_settings/ did not answer in time",
            CapturedLog.Value(Assert.Single(_world.Log.Of("PasswordSessionUnanswered")), "Reason"));
    }

    [Fact]
    public async Task A_profile_request_times_out_after_eight_seconds()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        AccountLink link = Assert.Single(await _world.Gateway.Services.GetRequiredService<IAccountLinkStore>().ListAllAsync(World.Ct));

        Page page = await GivenUpAsync(
            "/api/profile/",
            TimeSpan.FromSeconds(8),
            () => alice.FetchAsync(HttpMethod.Post, "/api/profile/disconnect_social_account/", PaperlessClient.Json($$"""{"id":{{-link.Id}}}""")));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
    }

    [Fact]
    public async Task A_credential_check_times_out_after_five_seconds()
    {
        using Visitor program = _world.NewVisitor();

        Page page = await GivenUpAsync(
            "/api/profile/",
            TimeSpan.FromSeconds(5),
            () => program.SendAsync(
                HttpMethod.Post,
                "/api/documents/post_document/",
                new ByteArrayContent(new byte[3_000_000]),
                ("Authorization", "Token made-up")));

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Equal(
            $"{_world.Paperless.Address.GetLeftPart(UriPartial.Authority)}/api/profile/ did not answer in time",
            CapturedLog.Value(Assert.Single(_world.Log.Of("CredentialUnanswered")), "Reason"));
    }

    [Fact]
    public async Task The_readiness_check_of_Paperless_times_out_after_three_seconds()
    {
        using Visitor probe = _world.NewVisitor();

        Page page = await GivenUpAsync(
            "/favicon.ico",
            TimeSpan.FromSeconds(3),
            () => probe.SendAsync(HttpMethod.Get, new Uri(_world.Gateway.Management, "/health/ready").AbsoluteUri));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Contains("\"paperless\":", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("\"paperless\":\"ok\"", page.Text, StringComparison.Ordinal);
    }

    private async Task<Page> GivenUpAsync(string path, TimeSpan timeout, Func<Task<Page>> ask)
    {
        using Fault silent = _world.Paperless.Faults.Hold(request => request.RawPath == path);
        Task<Page> answer = ask();
        await silent.StruckAsync(World.Ct);
        _world.Clock.Advance(timeout - TimeSpan.FromMilliseconds(1));
        Assert.False(answer.IsCompleted);
        _world.Clock.Advance(TimeSpan.FromMilliseconds(1));
        return await answer.InTimeAsync("The gateway gives Paperless up.");
    }
}
