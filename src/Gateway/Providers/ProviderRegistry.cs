using System.Collections.Immutable;
using Gateway.Settings;

namespace Gateway.Providers;

/// <summary>A provider and the objects that communicate with it.</summary>
internal sealed record Provider(
    ProviderSettings Settings,
    HttpClient Backchannel,
    ProviderDiscovery Discovery,
    TokenEndpoint TokenEndpoint,
    PushedAuthorization PushedAuthorization,
    SignedTokenCheck Tokens,
    IdTokenCheck IdTokens,
    UserInfoReader UserInfo,
    MicrosoftGraph Graph,
    OfflineAccess OfflineAccess,
    RefreshTokenWarning RefreshTokenWarning,
    RefreshedSid RefreshedSid)
{
    /// <summary>The clients whose ID tokens apps may bring. The first one is for new sign-ins.</summary>
    public required ImmutableArray<AppClient> AppClients { get; init; }
}

/// <summary>The timeouts of requests to providers. Tests replace them.</summary>
/// <param name="Response">The timeout of an answer including its body.</param>
internal sealed record ProviderTimeouts(TimeSpan Response)
{
    public static readonly ProviderTimeouts Default = new(TimeSpan.FromSeconds(10));
}

/// <summary>The providers, in the order of the settings.</summary>
internal sealed class ProviderRegistry : IDisposable
{
    private const string SchemePrefix = "oidc:";
    private const int MaxResponseBytes = 1024 * 1024;

    public ProviderRegistry(GatewaySettings settings, Outbound outbound, ProviderTimeouts timeouts, TimeProvider time, ILoggerFactory loggers)
    {
        List<ProviderDiscovery> earlier = [];
        All = [.. settings.Providers.Select(provider =>
        {
            ResponseTimeoutHandler handler = new(outbound.CreateHandler(), timeouts.Response, MaxResponseBytes, time);
            HttpClient backchannel = new(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MaxResponseBytes };
            ProviderDiscovery discovery = new(provider, [.. earlier], backchannel, time, loggers.CreateLogger<ProviderDiscovery>());
            earlier.Add(discovery);
            AuthenticatedClient client = new(provider, backchannel, time, loggers.CreateLogger<AuthenticatedClient>());
            SignedTokenCheck tokens = new(provider, discovery, time);
            return new Provider(
                provider,
                backchannel,
                discovery,
                new TokenEndpoint(client),
                new PushedAuthorization(provider, client, time, loggers.CreateLogger<PushedAuthorization>()),
                tokens,
                new IdTokenCheck(provider, tokens),
                new UserInfoReader(backchannel, tokens),
                new MicrosoftGraph(provider, backchannel, settings.Identity, loggers.CreateLogger<MicrosoftGraph>()),
                new OfflineAccess(provider, settings.OfflineAccess, time, loggers.CreateLogger<OfflineAccess>()),
                new RefreshTokenWarning(provider, loggers.CreateLogger<RefreshTokenWarning>()),
                new RefreshedSid())
            {
                AppClients = [.. provider.ClientsOfApps.Select(id => AppClient.Create(provider.ForApp(id), discovery, backchannel, time))],
            };
        })];
    }

    public ImmutableArray<Provider> All { get; }

    public static string Scheme(string providerId) => SchemePrefix + providerId;

    public Provider GetByScheme(string scheme) => All.Single(provider => Scheme(provider.Settings.Id) == scheme);

    public Provider? Find(string? providerId) => All.FirstOrDefault(provider => provider.Settings.Id == providerId);

    public void Dispose()
    {
        foreach (Provider provider in All)
        {
            provider.Backchannel.Dispose();
            provider.Discovery.Dispose();
        }
    }
}
