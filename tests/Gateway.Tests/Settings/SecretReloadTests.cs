using System.Net;
using Gateway.Operations;
using Gateway.Paperless;
using Gateway.Settings;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Settings;

/// <summary>Secrets in files (`…_FILE`) that change while the gateway runs.</summary>
public sealed class SecretReloadTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("gateway-secrets-").FullName;

    private string Token => Path.Combine(_directory, "token");

    private string Providers => Path.Combine(_directory, "providers.json");

    [Fact]
    public async Task A_new_API_token_in_its_file_is_used_within_a_minute()
    {
        await using World world = await StartAsync();
        world.Paperless.Data.AddUser("second", user => user with { IsStaff = true, IsSuperuser = true });
        world.Paperless.Data.UpdateUser(World.GatewayUser, user => user with { IsActive = false });
        using Visitor before = world.NewVisitor();
        Page refused = await before.SignInAsync("alice");

        await File.WriteAllTextAsync(Token, world.Paperless.Data.TokenOf("second") + "\n", World.Ct);
        await AdvanceUntilLoggedAsync(world, "SecretsRead");
        using Visitor alice = await world.SignedInAsync("alice");

        Assert.NotEqual(HttpStatusCode.OK, refused.Status);
        Assert.Equal("alice", await alice.WhoAsync());
        Assert.DoesNotContain(world.Paperless.Data.TokenOf("second"), world.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_client_secret_behind_a_symbolic_link_is_used_within_a_minute()
    {
        await using World world = await StartAsync(options =>
            options.Provider = given => given with { ClientSecret = "the-second-secret" });
        using Visitor early = world.NewVisitor();
        Page refused = await early.SignInAsync("alice");

        // As Kubernetes and Docker exchange secrets.
        await File.WriteAllTextAsync(Path.Combine(_directory, "next"), ProvidersJson(world, "the-second-secret"), World.Ct);
        File.CreateSymbolicLink(Path.Combine(_directory, "link"), "next");
        File.Move(Path.Combine(_directory, "link"), Providers, overwrite: true);
        await AdvanceUntilLoggedAsync(world, "SecretsRead");
        using Visitor alice = await world.SignedInAsync("alice");

        Assert.NotEqual(HttpStatusCode.OK, refused.Status);
        Assert.Equal("alice", await alice.WhoAsync());
        Assert.DoesNotContain("the-second-secret", world.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_file_that_cannot_be_used_leaves_the_secret_as_it_is_with_one_log_line()
    {
        await using World world = await StartAsync();

        await File.WriteAllTextAsync(Providers, "{ half", World.Ct);
        await AdvanceUntilLoggedAsync(world, "SecretsNotRead");
        for (int turn = 0; turn < 3; turn++)
        {
            world.Clock.Advance(SecretReload.Interval);
        }

        using Visitor alice = await world.SignedInAsync("alice");
        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Single(world.Log.Of("SecretsNotRead"));
        Assert.Empty(world.Log.Of("SecretsRead"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_new_secret_that_comes_with_another_client_or_address_is_left_until_a_restart(bool isAnotherClient)
    {
        await using World world = await StartAsync();
        string clientId = isAnotherClient ? "another-client" : world.Provider.Options.ClientId;
        Uri address = isAnotherClient ? world.Provider.DiscoveryUrl : new Uri("https://another.example/application/o/paperless/");

        await File.WriteAllTextAsync(
            Providers,
            ProvidersSetting.Json(ProvidersSetting.Of(address, "authentik", clientId, "a-secret-of-another-client")),
            World.Ct);
        await AdvanceUntilLoggedAsync(world, "RestartNeeded");
        using Visitor alice = await world.SignedInAsync("alice");

        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Empty(world.Log.Of("SecretsRead"));
        Assert.Single(world.Log.Of("RestartNeeded"));
        Assert.DoesNotContain("a-secret-of-another-client", world.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_new_API_token_the_gateway_asks_again_whose_it_is()
    {
        await using World world = await World.StartAsync();
        world.Paperless.Data.AddUser("second", user => user with { IsStaff = true, IsSuperuser = true });
        PaperlessApi api = world.Gateway.Services.GetRequiredService<PaperlessApi>();
        UiSettingsUser before = await api.GetTokenOwnerAsync(World.Ct);

        Rotate(world, world.Paperless.Data.TokenOf("second"));
        UiSettingsUser after = await api.GetTokenOwnerAsync(World.Ct);
        int requests = world.ApiRequests.Count;
        UiSettingsUser again = await api.GetTokenOwnerAsync(World.Ct);

        Assert.Equal((World.GatewayUser, "second", "second"), (before.Username, after.Username, again.Username));
        Assert.Equal(requests, world.ApiRequests.Count);
    }

    [Fact]
    public async Task A_request_under_way_whose_API_token_is_rejected_takes_the_new_one()
    {
        await using World world = await World.StartAsync();
        world.Paperless.Data.AddUser("second", user => user with { IsStaff = true, IsSuperuser = true });
        PaperlessApi api = world.Gateway.Services.GetRequiredService<PaperlessApi>();
        Task<IReadOnlyList<PaperlessUser>> users;
        using (Fault held = world.Paperless.Faults.Hold(request => request.RawPath.StartsWith("/api/users/", StringComparison.Ordinal)))
        {
            users = api.ListUsersAsync(World.Ct);
            await held.StruckAsync(World.Ct);
            world.Paperless.Data.UpdateUser(World.GatewayUser, user => user with { IsActive = false });
            Rotate(world, world.Paperless.Data.TokenOf("second"));
        }

        Assert.Contains(await users, user => user.Username == "second");
    }

    [Fact]
    public void A_secret_of_another_kind_needs_a_restart()
    {
        ProviderSettings withSecret = Read("secret").Providers[0];
        ProviderSettings withoutSecret = Read("").Providers[0];

        Assert.False(withSecret.Rotate(withoutSecret));
        Assert.Equal("secret", withSecret.ClientSecret);
        Assert.True(withSecret.Rotate(Read("another").Providers[0]));
        Assert.Equal("another", withSecret.ClientSecret);
    }

    [Fact]
    public async Task A_reading_that_fails_inside_the_gateway_is_repeated()
    {
        await File.WriteAllTextAsync(Token, "first", World.Ct);
        UnreliableSource source = new() { Values = new(Values("secret")) { ["GATEWAY_PAPERLESS_TOKEN"] = null, ["GATEWAY_PAPERLESS_TOKEN_FILE"] = Token } };
        IConfiguration environment = new ConfigurationBuilder().Add(source).Build();
        GatewaySettings settings = new GatewaySettingsReader(environment).Read().Settings;
        FakeTimeProvider clock = new();
        using SecretReload reload = new(settings, environment, clock, NullLogger<SecretReload>.Instance);
        await reload.StartAsync(World.Ct);

        await File.WriteAllTextAsync(Token, "second", World.Ct);
        source.IsFailing = true;
        await AdvanceAsync(clock, () => source.Failures > 0, "The reading fails.");
        source.IsFailing = false;
        await AdvanceAsync(clock, () => settings.Accounts.Credential.Token == "second", "The token is the new one.");

        await reload.StopAsync(World.Ct);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static GatewaySettings Read(string secret) =>
        new GatewaySettingsReader(new ConfigurationBuilder().AddInMemoryCollection(Values(secret)).Build()).Read().Settings;

    private static Dictionary<string, string?> Values(string secret) => new()
    {
        ["PAPERLESS_URL"] = "http://docs.example.com",
        ["PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = "true",
        ["GATEWAY_PAPERLESS_TOKEN"] = "token",
        [ProvidersSetting.Variable] = ProvidersSetting.Json(
            ProvidersSetting.Of(new Uri("https://authentik.example.com/application/o/paperless/"), "authentik", "paperless", secret)),
    };

    private static Task AdvanceAsync(FakeTimeProvider clock, Func<bool> holds, string what) => Wait.UntilAsync(
        () =>
        {
            clock.Advance(SecretReload.Interval);
            return holds();
        },
        what);

    /// <summary>As a reading of the file does.</summary>
    private static void Rotate(World world, string token)
    {
        AccountSettings accounts = world.Gateway.Services.GetRequiredService<GatewaySettings>().Accounts;
        Assert.True(accounts.Rotate(accounts with { Credential = new ApiCredential(token, null, null) }));
    }

    private static string ProvidersJson(World world, string secret) => ProvidersSetting.Json(
        ProvidersSetting.Of(world.Provider.DiscoveryUrl, "authentik", world.Provider.Options.ClientId, secret));

    private static async Task AdvanceUntilLoggedAsync(World world, string name) => await Wait.UntilAsync(
        () =>
        {
            world.Clock.Advance(SecretReload.Interval);
            return Task.FromResult(world.Log.Of(name).Count > 0);
        },
        $"The log has {name}.");

    /// <summary>The gateway gets the standard secret and the gateway user's token, both from files.</summary>
    private async Task<World> StartAsync(Action<WorldOptions>? configure = null)
    {
        World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["GATEWAY_PAPERLESS_TOKEN"] = null;
            options.Settings["GATEWAY_PAPERLESS_TOKEN_FILE"] = Token;
            options.Settings[ProvidersSetting.Variable] = null;
            options.Settings[ProvidersSetting.Variable + "_FILE"] = Providers;
            configure?.Invoke(options);
        });
        await File.WriteAllTextAsync(Token, world.Paperless.Data.TokenOf(World.GatewayUser), World.Ct);
        await File.WriteAllTextAsync(Providers, ProvidersJson(world, new DevelopmentProviderOptions().ClientSecret), World.Ct);
        world.StartGateway();
        return world;
    }

    /// <summary>An environment that can throw.</summary>
    private sealed class UnreliableSource : ConfigurationProvider, IConfigurationSource
    {
        public required Dictionary<string, string?> Values { get; init; }

        public bool IsFailing { get; set; }

        public int Failures { get; private set; }

        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

        public override bool TryGet(string key, out string? value)
        {
            if (IsFailing)
            {
                Failures++;
                throw new InvalidOperationException("A test's own failure.");
            }

            return Values.TryGetValue(key, out value) && value is not null;
        }
    }
}
