namespace Gateway.Providers;

/// <summary>Checks whether a provider answers now, regardless of cached documents.</summary>
internal static class ProviderReachability
{
    /// <exception cref="HttpRequestException">The provider cannot be reached.</exception>
    /// <exception cref="ProviderUnavailableException">It answers with an error.</exception>
    public static async Task EnsureReachableAsync(this Provider provider, CancellationToken cancel)
    {
        using HttpResponseMessage response = await provider.Backchannel.GetWithinOriginAsync(provider.Settings.DiscoveryUrl, cancel);
        if (!response.IsSuccessStatusCode)
        {
            string asked = provider.Settings.DiscoveryUrl.AbsoluteUri;
            throw ProviderFailureText.AnsweredOtherwise(asked, response, body: "", "a discovery document");
        }
    }
}
