using Gateway.Providers;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Attacks;

/// <summary>A valid token of each kind with the gateway's validation of that kind.</summary>
internal sealed class Tokens : IAsyncDisposable
{
    private readonly World _world;
    private readonly Dictionary<string, string> _texts;

    private Tokens(World world, Dictionary<string, string> texts)
    {
        _world = world;
        _texts = texts;
    }

    public IReadOnlyList<(string Kind, string Good, Func<string, Task> Check)> All =>
    [
        ("ID token", _texts["ID token"], token => Provider.IdTokens.CheckAsync(token, World.Ct)),
        ("refreshed ID token", _texts["refreshed ID token"], token => Provider.IdTokens.CheckAsync(token, World.Ct)),
        ("userinfo", _texts["userinfo"], token => Provider.Tokens.CheckAsync(token, TokenKind.UserInfo, World.Ct)),
        ("logout token", _texts["logout token"], token => Provider.Tokens.CheckAsync(token, TokenKind.LogoutToken, World.Ct)),
    ];

    /// <summary>Each with a member for the tests that change what it says.</summary>
    public IReadOnlyList<(string Kind, GoodToken Good, Func<string, Task> Check)> Good =>
        [.. All.Select(one => (one.Kind, new GoodToken(_world, one.Good), one.Check))];

    private Provider Provider => _world.Gateway.Services.GetRequiredService<ProviderRegistry>().All.Single();

    /// <summary>Taken from a real sign-in and a real recheck.</summary>
    public static async Task<Tokens> OfAsync(string signing)
    {
        World world = await World.StartAsync(options => options.Provider = provider =>
            provider with { OfflineAccess = true, SignedUserInfo = true, Signing = Enum.Parse<SigningMode>(signing) });
        Dictionary<string, string> texts = [];
        world.Provider.RewriteUserInfo = token => texts["userinfo"] = token;
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.RewriteIdToken = token => texts["refreshed ID token"] = token;
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        await alice.FetchAsync("/api/documents/");

        // Afterwards, so that it has not expired.
        world.Provider.RewriteIdToken = token => texts["ID token"] = token;
        using Visitor again = await world.SignedInAsync("alice");
        texts["logout token"] = world.Provider.CreateLogoutToken(world.Provider.Sessions[^1]);
        return new Tokens(world, texts);
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();
}
