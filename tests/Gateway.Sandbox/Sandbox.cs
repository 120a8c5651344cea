using System.Runtime.InteropServices;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Storage;

namespace Gateway.Sandbox;

/// <summary>The real gateway between a development provider and a stand-in Paperless, in one command; nothing else is needed.</summary>
internal sealed class Sandbox
{
    private static async Task<int> Main(string[] args)
    {
        if (SandboxPorts.Read(args) is not { } ports)
        {
            await Console.Error.WriteLineAsync(SandboxPorts.Usage);
            return 2;
        }

        string data = Path.Combine(Path.GetTempPath(), $"paperless-gateway-sandbox-{Environment.UserName}-{ports.Gateway}");
        try
        {
            await using DevelopmentProvider provider = await DevelopmentProvider.StartAsync(new DevelopmentProviderOptions
            {
                Url = ports.ProviderUrl,
                RedirectUris = [ports.GatewayUrl + "/accounts/oidc/authentik/login/callback/"],
                PostLogoutRedirectUris = [ports.GatewayUrl + "/accounts/login/?loggedout=1"],
                OfflineAccess = true,
            });
            await using StandInPaperless paperless = await StandInPaperless.StartAsync(new StandInPaperlessOptions
            {
                Url = ports.PaperlessUrl,
                PublicUrl = ports.GatewayUrl,
                RemoteUserApi = true,
                WithPeople = true,
                WithAssets = true,
            });

            if (!ports.HasGateway)
            {
                SayWithoutGateway(ports, provider, paperless.Data.AdminToken);
                await StopSignalAsync();
                return 0;
            }

            // The stand-in forgets its users when it stops: links to them would lead to nobody, or to somebody else. Only here, where
            // the ports have shown that no other sandbox uses it.
            if (Directory.Exists(data))
            {
                Directory.Delete(data, recursive: true);
            }

            await using WebApplication gateway = Program.Create(
            [
                "--environment=Development",
                $"--urls={ports.GatewayUrl}",
                $"--PAPERLESS_URL={ports.GatewayUrl}",
                "--PAPERLESS_ENABLE_HTTP_REMOTE_USER_API=true",
                "--PAPERLESS_SOCIAL_AUTO_SIGNUP=true",
                "--PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS=true",
                "--GATEWAY_CREATE_GROUPS=true",
                "--GATEWAY_SUPERUSER_GROUPS=paperless-admins",
                $"--GATEWAY_PAPERLESS_TOKEN={paperless.Data.AdminToken}",
                $"--PAPERLESS_SOCIALACCOUNT_PROVIDERS={Providers(provider)}",
                $"--GATEWAY_UPSTREAM_URL={ports.PaperlessUrl}",
                $"--GATEWAY_MANAGEMENT_URL={ports.ManagementUrl}",
                $"--GATEWAY_DATA_DIR={data}",
            ]);
            await gateway.OpenStorageAsync();
            gateway.ClearSpool();
            await gateway.StartAsync();
            Say(ports, provider);
            await gateway.WaitForShutdownAsync();
            return 0;
        }
        catch (IOException error) when (error.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            await Console.Error.WriteLineAsync($"{error.Message} Stop what listens there, or choose other ports.\n{SandboxPorts.Usage}");
            return 1;
        }
    }

    private static string Providers(DevelopmentProvider provider) =>
        $$$"""
        {"openid_connect": {"APPS": [{"provider_id": "authentik", "name": "authentik", "client_id": "{{{provider.Options.ClientId}}}",
        "secret": "{{{provider.Options.ClientSecret}}}", "settings": {"server_url": "{{{provider.DiscoveryUrl}}}"}}], "OAUTH_PKCE_ENABLED": true}}
        """;

    /// <summary>Ctrl+C, or a request to stop.</summary>
    private static async Task StopSignalAsync()
    {
        TaskCompletionSource stop = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        await stop.Task;

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.TrySetResult();
        }
    }

    private static void SayWithoutGateway(SandboxPorts ports, DevelopmentProvider provider, string token) => Console.WriteLine($"""

        For a gateway of yours at {ports.GatewayUrl}:
        Issuer                 {provider.Issuer}
        Client ID, secret      {provider.Options.ClientId}, {provider.Options.ClientSecret}
        Paperless              {ports.PaperlessUrl}   (superuser admin, API token {token})

        Who can sign in: {People(provider)}.
        Ctrl+C stops both.

        """);

    private static string People(DevelopmentProvider provider) =>
        string.Join(", ", provider.Options.People.Select(person => $"{person.Username} ({string.Join(", ", person.Groups)})"));

    private static void Say(SandboxPorts ports, DevelopmentProvider provider) => Console.WriteLine($"""

        Gateway                {ports.GatewayUrl}   <- open this in a browser
        Development provider   {ports.ProviderUrl}
        Stand-in Paperless     {ports.PaperlessUrl}   (directly, without the gateway: admin / admin)

        Who can sign in: {People(provider)}.
        Ctrl+C stops all three.

        """);
}
