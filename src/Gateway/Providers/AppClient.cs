using Gateway.Settings;

namespace Gateway.Providers;

/// <summary>A client with which apps sign in at a provider themselves, and the checks of what they bring from there.</summary>
/// <param name="Settings">Of the provider, for this client.</param>
internal sealed record AppClient(ProviderSettings Settings, IdTokenCheck IdTokens, UserInfoReader UserInfo)
{
    public string ClientId => Settings.ClientId;

    public static AppClient Create(ProviderSettings settings, ProviderDiscovery discovery, HttpClient backchannel, TimeProvider time)
    {
        SignedTokenCheck tokens = new(settings, discovery, time);
        return new AppClient(settings, new IdTokenCheck(settings, tokens), new UserInfoReader(backchannel, tokens));
    }
}
