using Gateway.Providers;

namespace Gateway.Apps;

/// <summary>The providers at which apps sign in, as allauth's headless API names them.</summary>
internal sealed class HeadlessConfig(ProviderRegistry providers)
{
    /// <summary>An app asks the gateway for the scopes, signs in at the provider itself, and brings the ID token.</summary>
    private static readonly string[] Flows = ["provider_redirect", "provider_token"];

    private readonly HeadlessAnswer _answer = new(StatusCodes.Status200OK)
    {
        Data = new HeadlessData
        {
            Account = new HeadlessAccount(["username"], false, false, false, false),
            Socialaccount = new HeadlessProviders([.. providers.All.Where(provider => provider.AppClients.Length > 0).Select(Describe)]),
        },
    };

    public Task AnswerAsync(HttpContext context) => HeadlessRefusals.WriteAsync(context, _answer);

    public static HeadlessProvider Describe(Provider provider) => new(
        provider.Settings.Id,
        provider.Settings.Name,
        Flows,
        provider.AppClients[0].ClientId,
        provider.Settings.DiscoveryUrl.AbsoluteUri);
}
