using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Accounts;

/// <summary>Later sign-ins find the account by its id and check that it is still the same account.</summary>
public sealed class ReturningSignInTests : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.StartAsync();
        (await _world.SignedInAsync("alice")).Dispose();
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_user_renamed_in_Paperless_is_sent_under_the_new_name()
    {
        _world.Paperless.Data.UpdateUser("alice", user => user with { Name = "alice.archer" });
        _world.Paperless.Data.AddUser("alice");

        using Visitor alice = await _world.SignedInAsync("alice");

        Assert.Equal("alice.archer", await alice.WhoAsync());
        await alice.FetchAsync("/dashboard");
        Assert.Equal(["alice.archer"], _world.Forwarded[^1].Lines("Remote-User"));
    }

    [Fact]
    public async Task A_sign_in_whose_account_was_deleted_shows_an_error_and_creates_no_account()
    {
        _world.Paperless.Data.RemoveUser(_world.LinkOf("alice")!.UserId);

        Page page = await RefusedAsync();

        Assert.Contains("deleted", page.Text, StringComparison.Ordinal);
        Assert.Null(_world.Paperless.Data.FindUser("alice"));
    }

    [Fact]
    public async Task A_sign_in_to_a_deactivated_account_shows_an_error()
    {
        _world.Paperless.Data.UpdateUser("alice", user => user with { IsActive = false });

        Assert.Contains("switched off", (await RefusedAsync()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sign_in_does_not_enter_another_account_with_the_same_id()
    {
        // As after another database was restored.
        _world.Paperless.Data.UpdateUser("alice", user => user with { Name = "mallory", Joined = user.Joined.AddDays(1) });

        Assert.Contains("another one", (await RefusedAsync()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sign_in_to_an_account_whose_name_the_header_cannot_carry_shows_an_error()
    {
        _world.Paperless.Data.UpdateUser("alice", user => user with { Name = "山田" });

        Assert.Contains("cannot pass on", (await RefusedAsync()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Email_and_names_follow_the_provider_and_absent_claims_change_nothing()
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
    public async Task An_email_address_that_Paperless_rejects_does_not_block_the_sign_in()
    {
        _world.Provider.Change(_world.Provider.Find("alice")! with { Name = "Alice Baker", Email = "not an email" });

        using Visitor alice = await _world.SignedInAsync("alice");

        Assert.Equal(("alice@example.com", "Alice", "Baker"), Shown());
        Assert.NotEmpty(_world.Log.Of("ProfileNotTaken"));
    }

    [Fact]
    public async Task A_sign_in_without_changes_sends_at_most_two_API_requests_and_writes_nothing()
    {
        _world.Clock.Advance(TimeSpan.FromMinutes(2));
        _world.Paperless.ForgetReceived();

        (await _world.SignedInAsync("alice")).Dispose();

        Assert.Equal(["GET"], _world.ApiRequests.Select(request => request.Method));
        Assert.Equal([$"/api/users/{_world.LinkOf("alice")!.UserId}/"], _world.ApiRequests.Select(request => request.RawPath));
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
