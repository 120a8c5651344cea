using Gateway.Accounts;
using Gateway.Providers;
using Gateway.Settings;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Checks;

/// <summary>
/// One provider: its discovery document, then at the same time the client's registration by an authorization request that nobody follows, and the
/// client secret by an exchange of a made-up code.
/// </summary>
internal sealed class ProviderCheck(Provider provider, GatewaySettings settings, GroupClaimWarnings groups, TimeProvider time) : ICheck
{
    private string Discovery => $"{Subject}: discovery";

    public string Subject => provider.Settings.Id;

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancel)
    {
        if (ExampleHost.IsExample(provider.Settings.DiscoveryUrl.Host))
        {
            return [Finding.Skipped(Discovery, "not asked, because it is an example's")];
        }

        AuthorizationRequestProbe request = new(provider, settings);
        ClientSecretProbe secret = new(provider, settings);
        OpenIdConnectConfiguration configuration;
        try
        {
            configuration = await provider.Discovery.GetConfigurationAsync(cancel);
        }
        catch (ProviderUnavailableException failure)
        {
            string notYet = "not checked without a discovery document";
            return
            [
                Finding.Problem(Discovery, failure.Message, failure.Remedy ?? "Correct server_url in PAPERLESS_SOCIALACCOUNT_PROVIDERS"),
                Finding.Skipped($"{Subject}: {AuthorizationRequestProbe.Thing}", notYet),
                Finding.Skipped($"{Subject}: {ClientSecretProbe.Thing}", notYet),
            ];
        }

        Task<Finding> registration = request.RunAsync(configuration, cancel);
        Task<Finding> credential = secret.RunAsync(configuration, cancel);
        Task<Finding?> clock = ClockAsync(cancel);
        List<Finding> findings = [.. DiscoveryFindings.Of(Discovery, provider.Settings, configuration)];
        findings.Add((await registration) with { Subject = $"{Subject}: {AuthorizationRequestProbe.Thing}" });
        findings.Add((await credential) with { Subject = $"{Subject}: {ClientSecretProbe.Thing}" });
        if (await clock is { } off)
        {
            findings.Add(off);
        }

        if (groups.Find(provider.Settings.Id) is { } warning)
        {
            findings.Add(Finding.Warning(
                $"{Subject}: groups",
                $"at {warning.At:u} the claim {settings.Identity.GroupsClaim} of a person {warning.Seen}",
                "The groups of such people stay as they were: let the provider send a list of names, or correct GATEWAY_GROUPS_CLAIM"));
        }

        return [.. findings.Select(finding => finding with { Provider = Subject })];
    }

    /// <summary>Compares the clocks: tokens of a provider whose clock is wrong are expired, or not yet valid.</summary>
    /// <returns>Null where the provider gives no time.</returns>
    private async Task<Finding?> ClockAsync(CancellationToken cancel)
    {
        try
        {
            using HttpResponseMessage response = await provider.Backchannel
                .GetAsync(provider.Settings.DiscoveryUrl, HttpCompletionOption.ResponseHeadersRead, cancel);
            return ClockFinding.Of($"{Subject}: clock", response.Headers.Date, time.GetUtcNow());
        }
        catch (Exception error) when (ProviderFailureText.IsFailure(error, cancel))
        {
            return null;
        }
    }
}
