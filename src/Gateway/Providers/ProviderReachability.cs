namespace Gateway.Providers;

/// <summary>Whether a provider answers at this moment, whatever is known of it from before.</summary>
internal static class ProviderReachability
{
    /// <exception cref="HttpRequestException">It cannot be reached, or says that it cannot work.</exception>
    public static async Task EnsureReachableAsync(this Provider provider, CancellationToken cancel)
    {
        using HttpResponseMessage response = await provider.Backchannel
            .GetAsync(provider.Settings.DiscoveryUrl, HttpCompletionOption.ResponseHeadersRead, cancel);
        response.EnsureSuccessStatusCode();
    }
}
