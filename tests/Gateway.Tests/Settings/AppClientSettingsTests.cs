using Gateway.Settings;

namespace Gateway.Tests.Settings;

/// <summary>`GATEWAY_APP_CLIENT_IDS` and `GATEWAY_APP_ISSUERS`.</summary>
public sealed class AppClientSettingsTests
{
    private const string Clients = "GATEWAY_APP_CLIENT_IDS";
    private const string Issuers = "GATEWAY_APP_ISSUERS";

    private const string TwoProviders = """
        {"openid_connect": {"APPS": [
        {"provider_id": "one", "client_id": "paperless", "secret": "SECRET", "settings": {"server_url": "https://one.example.com/"}},
        {"provider_id": "two", "client_id": "paperless", "secret": "SECRET", "settings": {"server_url": "https://two.example.com/"}}]}}
        """;

    [Theory]
    [InlineData(null, null, "", "")]
    [InlineData("app", null, "app", "")]
    [InlineData("authentik:app, other:app,app", "https://auth.example.com/application/o/app/", "app other:app", "https://auth.example.com/application/o/app/")]
    public void Clients_and_issuers_of_the_only_provider_need_no_name(string? clients, string? issuers, string expected, string expectedIssuers)
    {
        ProviderSettings provider = Assert.Single(GivenEnvironment.Read((Clients, clients), (Issuers, issuers)).Settings!.Providers);

        Assert.Equal(expected, string.Join(' ', provider.AppClientIds));
        Assert.Equal(expectedIssuers, string.Join(' ', provider.AppIssuers));
        Assert.Empty(provider.FurtherIssuers);
    }

    [Fact]
    public void Each_of_several_providers_has_its_own_clients_and_issuers()
    {
        GatewaySettings settings = GivenEnvironment.Read(
            ("PAPERLESS_SOCIALACCOUNT_PROVIDERS", TwoProviders),
            (Clients, "one:app,two:app,one:tablet"),
            (Issuers, "two:https://two.example.com/app")).Settings!;

        Assert.Equal(["app tablet", "app"], settings.Providers.Select(provider => string.Join(' ', provider.AppClientIds)));
        Assert.Equal(["", "https://two.example.com/app"], settings.Providers.Select(provider => string.Join(' ', provider.AppIssuers)));
    }

    [Fact]
    public void An_apps_client_has_no_secret_and_no_key_of_the_gateway()
    {
        ProviderSettings provider = GivenEnvironment.Read((Clients, "app"), (Issuers, "https://issuer.example.com/")).Settings!.Providers[0];

        ProviderSettings app = provider.ForApp("app");

        Assert.Equal(("app", ""), (app.ClientId, app.ClientSecret));
        Assert.Null(app.ClientKey);
        Assert.Equal(["https://issuer.example.com/"], app.FurtherIssuers);
        Assert.Same(provider, provider.ForApp("paperless"));
    }

    [Theory]
    [InlineData("app", null, Clients, "\"app\" does not say for which provider it is")]
    [InlineData("three:app", null, Clients, "\"three:app\" does not say for which provider it is")]
    [InlineData("one:", null, Clients, "\"one:\" does not say for which provider it is")]
    [InlineData("one:app", "https://one.example.com/app", Issuers, "does not say for which provider it is")]
    [InlineData("one:app", "one:app", Issuers, "\"app\" is no issuer")]
    [InlineData("one:app", "two:https://two.example.com/app", Issuers, "names no client there")]
    public void An_entry_that_cannot_be_meant_is_a_problem(string clients, string? issuers, string variable, string says)
    {
        Reading reading = GivenEnvironment.Read(("PAPERLESS_SOCIALACCOUNT_PROVIDERS", TwoProviders), (Clients, clients), (Issuers, issuers));

        Assert.Contains(says, Assert.Single(reading.Problems).ToString(), StringComparison.Ordinal);
        Assert.Equal(variable, reading.Problems[0].Variable);
    }
}
