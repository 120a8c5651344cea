using Gateway.Operations;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Access;
using Gateway.Tests.Apps;
using Gateway.Tests.Kit;
using Gateway.Tests.SignOut;
using Microsoft.Data.Sqlite;

namespace Gateway.Tests.Metrics;

/// <summary>What an alert is about, produced once. Afterwards the world is as it was.</summary>
internal static class Incidents
{
    public static async Task<World> StartWorldAsync()
    {
        World world = await FailedLoginClient.StartWorldAsync(configure: options =>
        {
            options.StartGateway = false;
            options.Settings["GATEWAY_METRICS"] = "true";
            options.Provider = given => given with { OfflineAccess = true };
        });
        PrivateDirectory.Create(world.DataDirectory);
        CertificateFolder certificate = new(world.DataDirectory);
        certificate.Write(DateTimeOffset.UtcNow.AddDays(60));
        foreach ((string name, string value) in certificate.Settings)
        {
            world.Options.Settings[name] = value;
        }

        world.StartGateway();
        return world;
    }

    /// <summary>A day without incidents: everything that a dashboard shows happens once.</summary>
    public static async Task OrdinaryUseAsync(World world)
    {
        using Visitor alice = await world.SignedInAsync("alice");
        await alice.FetchAsync("/static/base.css");
        using (await StatusSocket.OpenAsync(world, alice))
        {
            await alice.OpenAsync("/accounts/logout/", "same-origin");
        }

        using Visitor bob = await world.SignedInAsync("bob");
        using Visitor app = world.NewVisitor();
        await app.GetAsync("/api/documents/", await world.MakeDevicePasswordAsync("bob"));
    }

    public static async Task LosePaperlessAsync(World world)
    {
        using Visitor alice = await world.SignedInAsync("alice");
        using Fault gone = world.Paperless.Faults.Drop(_ => true);
        await alice.FetchAsync("/api/documents/");
    }

    public static async Task LoseStoreAsync(World world)
    {
        using Visitor alice = await world.SignedInAsync("alice");
        await RenameTableAsync(world, "sessions", "gone");
        await AskWithUnknownCookieAsync(world, alice);
        await RenameTableAsync(world, "gone", "sessions");
    }

    /// <summary>A request about whose session only the store knows.</summary>
    public static async Task AskWithUnknownCookieAsync(World world, Visitor known)
    {
        using Visitor stranger = world.NewVisitor();
        await stranger.SendAsync(HttpMethod.Get, "/", null, ("Cookie", "paperless-gateway=" + new string('A', known.Cookie("paperless-gateway")!.Length)));
    }

    /// <summary>Without its table of sessions, the store fails.</summary>
    public static async Task RenameTableAsync(World world, string from, string to)
    {
        await using SqliteConnection file = new($"Data Source={Path.Combine(world.DataDirectory, Database.FileName)};Pooling=False");
        await file.OpenAsync(World.Ct);
        await using SqliteCommand rename = file.CreateCommand();
#pragma warning disable CA2100 // Both names are constants of the tests.
        rename.CommandText = $"ALTER TABLE {from} RENAME TO {to};";
#pragma warning restore CA2100
        await rename.ExecuteNonQueryAsync(World.Ct);
    }

    public static async Task FailSignInAsync(World world)
    {
        using Visitor alice = world.NewVisitor();
        world.Provider.SignsInAs = "alice";
        RoundTrip trip = await RoundTrip.BeginAsync(alice);
        string callback = await trip.AnswerAsync();
        world.Provider.Outage = Outage.ServiceUnavailable;
        await trip.FinishAsync(callback);
        world.Provider.Outage = Outage.None;
    }

    public static async Task RecheckWithoutAnswerAsync(World world)
    {
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.Outage = Outage.ServiceUnavailable;
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        await alice.OpenAsync("/documents/2");
        world.Provider.Outage = Outage.None;
    }

    public static async Task RefuseLogoutTokenAsync(World world)
    {
        using Visitor alice = await world.SignedInAsync("alice");
        using HttpResponseMessage refused = await world.SendLogoutAsync(world.Provider.Sessions[^1], BackChannel.Without("sid", "sub"));
    }

    /// <summary>A certificate that is not renewed any more.</summary>
    public static async Task LetCertificateExpireAsync(World world)
    {
        new CertificateFolder(world.DataDirectory).Write(DateTimeOffset.UtcNow.AddDays(13));
        await Wait.UntilAsync(
            () =>
            {
                world.Clock.Advance(CertificateReload.Interval);
                return world.Log.Of("CertificateExpires").Count > 0;
            },
            "The gateway warns.");
    }

    public static async Task GuessAsync(World world)
    {
        using FailedLoginClient guesser = new(world, "198.51.100.1");
        await guesser.FailAsync(10);
        await guesser.WithTokenAsync("wrong");
    }
}
