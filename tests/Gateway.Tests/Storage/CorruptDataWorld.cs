using System.Globalization;
using System.Net;
using System.Text.Json;
using Gateway.Sessions;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;
using Gateway.Tests.SignOut;
using Serilog.Events;

namespace Gateway.Tests.Storage;

/// <summary>
/// A gateway whose store gets corrupt data about Alice and valid data about Bob. Corrupt data must cause no 500 and give no access, and
/// Bob, the lists and the commands must work as before.
/// </summary>
internal sealed class CorruptDataWorld(World world, Visitor bob) : IAsyncDisposable
{
    private static readonly string[] NeverLogged = ["RequestFailed", "StoreAwayForTidying", "BackgroundWorkFailed", "SubscriberFailed", "RecheckFailed"];

    public World World => world;

    public byte[] Person => SessionIndex.ForPerson(new PersonKey("authentik", world.Provider.Issuer.AbsoluteUri, world.Provider.Find("alice")!.Subject));

    /// <summary>The `sid` of the last sign-in.</summary>
    public byte[] Sid => SessionIndex.ForSid("authentik", world.Provider.Issuer.AbsoluteUri, world.Provider.Sessions[^1].Sid);

    public static async Task<CorruptDataWorld> StartAsync(Action<WorldOptions>? configure = null)
    {
        World world = await World.StartAsync(configure);
        return new CorruptDataWorld(world, await world.SignedInAsync("bob"));
    }

    /// <summary>Signs Alice in, corrupts her data in the store, and checks that everything else still works.</summary>
    /// <param name="gone">Whether Alice must be signed out by it.</param>
    /// <param name="restart">For data that a process reads once.</param>
    public async Task GoesOnAfterAsync(string what, Func<SessionSecret, Task> poison, bool gone = false, bool restart = false, bool unlinked = false)
    {
        world.Clock.Advance(TimeSpan.FromSeconds(2));
        using Visitor alice = await world.SignedInAsync("alice");
        ProviderSession session = world.Provider.Sessions[^1];
        Assert.True(SessionSecret.TryParse(alice.Cookie(SignedIn.CookieName), out SessionSecret secret));
        if (unlinked)
        {
            IAccountLinkStore accounts = world.Gateway.Services.GetRequiredService<IAccountLinkStore>();
            AccountLink link = (await accounts.ListAllAsync(World.Ct)).Single(link => link.Subject == world.Provider.Find("alice")!.Subject);
            await accounts.RemoveAsync(link.Id, link.UserId, World.Ct);
        }

        await poison(secret);
        if (restart)
        {
            await world.RestartGatewayAsync();
        }

        // As after a restart: nothing is known but what the store says.
        SessionMemory memory = world.Gateway.Services.GetRequiredService<SessionMemory>();
        foreach (Session known in memory.All.ToArray())
        {
            memory.Forget(known);
        }

        Page page = await PassesAsync(what, alice.FetchAsync("/api/documents/"));
        Assert.True(!gone || page.Status == HttpStatusCode.Unauthorized, $"{what}: she is still in.");
        await PassesAsync(what, alice.FetchAsync("/gateway/sessions"));
        await PassesAsync(what, alice.FetchAsync("/api/documents/"));
        await BobGoesOnAsync(what);

        using Visitor anew = world.NewVisitor();
        await PassesAsync(what, SignInAsync(anew));
        world.Clock.Advance(TimeSpan.FromSeconds(1));
        await PassesAsync(what, SignInAsync(anew));
        await PassesAsync(what, anew.FetchAsync("/gateway/sessions"));

        await PassesAsync(
            what,
            anew.OpenAsync($"/accounts/oidc/authentik/logout/frontchannel/?iss={Uri.EscapeDataString(world.Provider.Issuer.AbsoluteUri)}&sid={session.Sid}"));
        using HttpResponseMessage ended = await world.SendLogoutAsync(world.Provider.Sessions[^1]);
        Assert.True(ended.StatusCode == HttpStatusCode.OK, $"{what}: the logout token is answered {ended.StatusCode}.");
        await world.Gateway.Services.GetRequiredService<SessionMaintenance>().TidyAsync(World.Ct);
        await BobGoesOnAsync(what);
        Assert.All(NeverLogged, name =>
        {
            IEnumerable<string> lines = world.Log.Of(name).Select(line => line.RenderMessage(CultureInfo.InvariantCulture) + line.Exception);
            Assert.True(!lines.Any(), $"{what}: {name}\n{string.Join('\n', lines)}");
        });
    }

    /// <summary>Each unreadable value was logged once.</summary>
    public void SaidOnce(params string[] kinds)
    {
        IReadOnlyList<LogEvent> said = world.Log.Of("UnreadableEntry");
        Assert.All(kinds, kind => Assert.Contains(said, line => CapturedLog.Value(line, "Kind") == kind));
        Assert.All(
            said.GroupBy(line => (CapturedLog.Value(line, "Kind"), CapturedLog.Value(line, "Name"), line.Properties["SourceContext"].ToString())),
            same => Assert.True(same.Count() <= 1 + _restarts, $"{same.Key} is said {same.Count()} times."));
    }

    private int _restarts;

    /// <summary>A process logs it once, and each restart is another process.</summary>
    public void Restarted() => _restarts++;

    public async Task CommandsGoOnAsync()
    {
        (int sessions, string list, string errors) = await ProgramProcess.RunAsync("Gateway", ["sessions", "list", "--json"], world.Settings());
        Assert.True(sessions == 0, errors);
        Assert.Contains(JsonDocument.Parse(list).RootElement.EnumerateArray(), row => row.GetProperty("username").GetString() == "bob");
        (int accounts, string links, string faults) = await ProgramProcess.RunAsync("Gateway", ["accounts", "list", "--json"], world.Settings());
        Assert.True(accounts == 0, faults);
        Assert.Contains(world.Provider.Find("bob")!.Subject, links, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        bob.Dispose();
        await world.DisposeAsync();
    }

    private async Task BobGoesOnAsync(string what)
    {
        Assert.True((await bob.FetchAsync("/api/documents/")).Status == HttpStatusCode.OK, $"{what}: Bob is out.");
        Page own = await bob.FetchAsync("/gateway/sessions");
        Assert.True(own.Status == HttpStatusCode.OK && JsonDocument.Parse(own.Text).RootElement.GetArrayLength() == 1, $"{what}: Bob sees {own.Text}.");
        Assert.Contains(await world.ListedSessionsAsync(), session => session.Info.Username == "bob");
    }

    private static async Task<Page> SignInAsync(Visitor visitor) => await visitor.DeclineAsync(await visitor.SignInAsync("alice"));

    private static async Task<Page> PassesAsync(string what, Task<Page> asked)
    {
        Page page = await asked;
        Assert.True((int)page.Status < 500, $"{what}: {(int)page.Status} at {page.Address}\n{page.Text}");
        return page;
    }
}
