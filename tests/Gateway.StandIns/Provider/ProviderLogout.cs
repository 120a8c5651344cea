using System.Text.Json.Nodes;

namespace Gateway.StandIns.Provider;

/// <summary>Ends provider sessions and tells the application so over the back channel.</summary>
internal sealed class ProviderLogout(DevelopmentProvider provider)
{
    private static readonly HttpClient Http =
        new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false })
        {
            Timeout = TimeSpan.FromSeconds(10),
        };

    public string CreateToken(ProviderSession session, string issuer, Func<JsonObject, JsonObject>? tamper, string type)
    {
        JsonObject claims = provider.Claims.LogoutToken(session, issuer);
        return provider.Keys.Sign(tamper is null ? claims : tamper(claims), type, provider.Options.LogoutTokenSigning);
    }

    public static async Task<HttpResponseMessage> SendAsync(Uri logoutUri, string token, CancellationToken cancellationToken)
    {
        using FormUrlEncodedContent form = new FormUrlEncodedContent([new("logout_token", token)]);
        return await Http.PostAsync(logoutUri, form, cancellationToken);
    }

    /// <summary>Only an application that still has live access tokens is told, and once for each of them.</summary>
    public async Task EndAsync(ProviderSession session, CancellationToken cancellationToken)
    {
        DateTimeOffset now = provider.Options.TimeProvider.GetUtcNow();
        foreach (IssuedToken? accessToken in provider.ActiveSessions.End(session).Where(token => token.ExpiresAt > now))
        {
            if (provider.Options.BackchannelLogoutUri is { } logoutUri)
            {
                await TellAsync(logoutUri, CreateToken(session, accessToken.Issuer, tamper: null, "logout+jwt"), cancellationToken);
            }
        }
    }

    // An application that is away must not keep the person from signing out here; authentik's worker would try again.
    private static async Task TellAsync(Uri logoutUri, string token, CancellationToken cancellationToken)
    {
        try
        {
            (await SendAsync(logoutUri, token, cancellationToken)).Dispose();
        }
        catch (Exception exception) when (
            exception is HttpRequestException || (exception is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
        }
    }
}
