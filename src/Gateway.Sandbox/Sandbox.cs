using Gateway.Sandbox.Paperless;
using Gateway.Sandbox.Provider;
using Gateway.Storage;

namespace Gateway.Sandbox;

/// <summary>The real gateway between a development provider and a stand-in Paperless, in one command; nothing else is needed.</summary>
internal sealed class Sandbox
{
    private const string GatewayUrl = "http://localhost:8080";

    // Another host name than the gateway's: cookies know no ports, and sites are told apart by host.
    private const string ProviderUrl = "http://127.0.0.1:9000";
    private const string PaperlessUrl = "http://127.0.0.1:8000";

    private static async Task<int> Main()
    {
        string data = Path.Combine(Path.GetTempPath(), $"paperless-gateway-sandbox-{Environment.UserName}");
        try
        {
            await using DevelopmentProvider provider = await DevelopmentProvider.StartAsync(new DevelopmentProviderOptions
            {
                Url = ProviderUrl,
                RedirectUris = [GatewayUrl + "/accounts/oidc/authentik/login/callback/"],
                PostLogoutRedirectUris = [GatewayUrl + "/accounts/login/?loggedout=1"],
            });
            await using StandInPaperless paperless = await StandInPaperless.StartAsync(new StandInPaperlessOptions
            {
                Url = PaperlessUrl,
                PublicUrl = GatewayUrl,
                RemoteUserApi = true,
                WithPeople = true,
            });
            await using WebApplication gateway = Program.Create(
            [
                "--environment=Development",
                $"--urls={GatewayUrl}",
                $"--PAPERLESS_URL={GatewayUrl}",
                "--PAPERLESS_ENABLE_HTTP_REMOTE_USER_API=true",
                $"--PAPERLESS_SOCIALACCOUNT_PROVIDERS={Providers(provider)}",
                $"--GATEWAY_UPSTREAM_URL={PaperlessUrl}",
                $"--GATEWAY_DATA_DIR={data}",
            ]);
            gateway.OpenStorage();
            gateway.ClearSpool();
            await gateway.StartAsync();
            Say(provider);
            await gateway.WaitForShutdownAsync();
            return 0;
        }
        catch (IOException error) when (error.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            await Console.Error.WriteLineAsync($"{error.Message} The sandbox needs the ports 8000, 8080, 8081 and 9000: stop what listens there and start again.");
            return 1;
        }
    }

    private static string Providers(DevelopmentProvider provider) =>
        $$$"""
        {"openid_connect": {"APPS": [{"provider_id": "authentik", "name": "authentik", "client_id": "{{{provider.Options.ClientId}}}",
        "secret": "{{{provider.Options.ClientSecret}}}", "settings": {"server_url": "{{{provider.DiscoveryUrl}}}"}}], "OAUTH_PKCE_ENABLED": true}}
        """;

    private static void Say(DevelopmentProvider provider) => Console.WriteLine($"""

        Gateway                {GatewayUrl}   <- open this in a browser
        Development provider   {ProviderUrl}
        Stand-in Paperless     {PaperlessUrl}   (directly, without the gateway: admin / admin)

        Who can sign in: {string.Join(", ", provider.Options.People.Select(person => $"{person.Username} ({string.Join(", ", person.Groups)})"))}.
        Ctrl+C stops all three.

        """);
}
