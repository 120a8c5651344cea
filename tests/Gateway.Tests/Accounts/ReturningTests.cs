using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Accounts;

/// <summary>Later sign-ins: the account is found by its number, and must still be that account.</summary>
public sealed class ReturningTests : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.StartAsync();
        (await _world.SignedInAsync("alice")).Dispose();
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_user_who_was_renamed_in_Paperless_is_sent_under_the_new_name()
    {
        _world.Paperless.Data.UpdateUser("alice", user => user with { Name = "alice.archer" });
        _world.Paperless.Data.AddUser("alice");

        using Visitor alice = await _world.SignedInAsync("alice");

        Assert.Equal("alice.archer", await alice.WhoAsync());
        await alice.FetchAsync("/dashboard");
        Assert.Equal(["alice.archer"], _world.Forwarded[^1].Lines("Remote-User"));
    }

    [Fact]
    public async Task An_account_that_is_gone_is_said_and_no_ghost_is_made()
    {
        _world.Paperless.Data.RemoveUser(_world.LinkOf("alice")!.UserId);

        Page page = await RefusedAsync();

        Assert.Contains("deleted", page.Text, StringComparison.Ordinal);
        Assert.Null(_world.Paperless.Data.FindUser("alice"));
    }

    [Fact]
    public async Task An_account_that_is_not_active_is_said()
    {
        _world.Paperless.Data.UpdateUser("alice", user => user with { IsActive = false });

        Assert.Contains("switched off", (await RefusedAsync()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_account_with_the_same_number_is_not_entered()
    {
        // As after another database was restored.
        _world.Paperless.Data.UpdateUser("alice", user => user with { Name = "mallory", Joined = user.Joined.AddDays(1) });

        Assert.Contains("another one", (await RefusedAsync()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_the_header_cannot_carry_is_said()
    {
        _world.Paperless.Data.UpdateUser("alice", user => user with { Name = "山田" });

        Assert.Contains("cannot pass on", (await RefusedAsync()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Email_and_names_follow_and_what_the_provider_does_not_say_stays()
    {
        _world.Provider.Change(_world.Provider.Find("alice")! with { Name = "Alice Baker", Email = "new@example.com" });
        (await _world.SignedInAsync("alice")).Dispose();
        Assert.Equal(("new@example.com", "Alice", "Baker"), Shown());

        _world.Provider.TamperIdToken = _world.Provider.TamperUserInfo = claims =>
        {
            foreach (string claim in (string[])["email", "name", "given_name", "family_name"])
            {
                claims.Remove(claim);
            }

            return claims;
        };
        (await _world.SignedInAsync("alice")).Dispose();

        Assert.Equal(("new@example.com", "Alice", "Baker"), Shown());
        Assert.NotEmpty(_world.Log.Of("ProfileChanged"));
    }

    [Fact]
    public async Task An_email_that_Paperless_does_not_take_keeps_nobody_out()
    {
        _world.Provider.Change(_world.Provider.Find("alice")! with { Name = "Alice Baker", Email = "not an email" });

        using Visitor alice = await _world.SignedInAsync("alice");

        Assert.Equal(("alice@example.com", "Alice", "Baker"), Shown());
        Assert.NotEmpty(_world.Log.Of("ProfileNotTaken"));
    }

    [Fact]
    public async Task A_sign_in_that_changes_nothing_asks_twice_at_the_most_and_writes_nothing()
    {
        _world.Clock.Advance(TimeSpan.FromMinutes(2));
        _world.Paperless.ForgetReceived();

        (await _world.SignedInAsync("alice")).Dispose();

        Assert.Equal(["GET"], _world.Asked.Select(request => request.Method));
        Assert.Equal([$"/api/users/{_world.LinkOf("alice")!.UserId}/"], _world.Asked.Select(request => request.RawPath));
    }

    private (string Email, string First, string Last) Shown()
    {
        StandInUser user = _world.Paperless.Data.FindUser("alice")!;
        return (user.Email, user.FirstName, user.LastName);
    }

    private async Task<Page> RefusedAsync()
    {
        using Visitor alice = _world.NewVisitor();
        _world.Paperless.ForgetReceived();

        Page page = await alice.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Null(alice.Cookie(SignedIn.CookieName));
        Assert.Empty(_world.Forwarded);
        Assert.Equal(2, _world.Paperless.Data.Users.Count(user => user.IsSuperuser));
        return page;
    }
}
