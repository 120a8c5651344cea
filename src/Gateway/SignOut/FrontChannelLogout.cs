using Gateway.Pages;
using Gateway.Providers;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.SignOut;

/// <summary>Ends a session at the provider's request, in a hidden frame of its page (OpenID Connect Front-Channel Logout 1.0).</summary>
/// <remarks>The browser sends no Lax cookie into another site's frame, so `iss` and `sid` name the session.</remarks>
internal sealed partial class FrontChannelLogout(
    Revocations revocations,
    SessionCookie cookie,
    ProviderRegistry providers,
    PageWriter pages,
    ILogger<SecurityLog> logger)
{
    public async Task AnswerAsync(HttpContext context, string providerId)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (context.Request.IsPrefetch() || (context.Request.HasFetchMetadata() && context.Request.Headers["Sec-Fetch-Mode"] != "navigate"))
        {
            // Section 2: the provider's page loads this address in a frame. An image or a script of another page does not navigate.
            const string detail = "A provider ends a session here by a frame in its own page.";
            await pages.RefuseAsync(context, new Refusal(403, "front_channel_embedded", "Only in a frame", detail));
            return;
        }

        IQueryCollection query = context.Request.Query;
        if (providers.Find(providerId) is not { } provider || query["iss"] is not [{ Length: > 0 } issuer] || query["sid"] is not [{ Length: > 0 } sid])
        {
            await pages.RefuseAsync(context, new Refusal(
                400,
                "front_channel_logout",
                "Nothing to sign out",
                "This address is for a provider that ends a session here.")
            {
                ForTheOperator = "The request needs the parameters iss and sid, and the provider of this address.",
            });
            return;
        }

        try
        {
            OpenIdConnectConfiguration configuration = await provider.Discovery.GetConfigurationAsync(context.RequestAborted);
            if (!TenantIssuer.Matches(configuration.Issuer, issuer, provider.Settings))
            {
                await pages.RefuseAsync(context, new Refusal(
                    400,
                    "front_channel_logout",
                    "Nothing to sign out",
                    "This address is for a provider that ends a session here.")
                {
                    ForTheOperator = $"The parameter iss is {SignedTokenCheck.Truncate(issuer)}, and the issuer of {provider.Settings.Id} is "
                        + $"{configuration.Issuer}.",
                });
                return;
            }

            byte[] index = SessionIndex.ForSid(provider.Settings.Id, issuer, sid);
            int ended = await revocations.EndAllAsync(index, SessionEnd.EndedAtTheProvider, CancellationToken.None, authenticated: false);
            LoggedOut(provider.Settings.Id, ended);
            if (context.Session() is { } session && session.HasIndex(index))
            {
                cookie.Delete(context.Response);
            }

            // Framed by the provider, and by nobody else.
            context.Response.Headers.ContentSecurityPolicy
                = $"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {Origins(configuration)}";
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers["Referrer-Policy"] = "no-referrer";
            context.Response.ContentType = "text/html; charset=utf-8";
            await context.Response.WriteAsync("<!DOCTYPE html><html lang=\"en\"><title>Signed out</title>");
        }
        catch (Exception away) when (away is StoreUnavailableException or ProviderUnavailableException)
        {
            await pages.RefuseAsync(context, new Refusal(503, "store_unavailable", "No sign-out at the moment", "The session could not be ended just now.")
            {
                RetryAfter = 5,
                ForTheOperator = away is StoreUnavailableException ? StoreUnavailableRefusal.ForTheOperator(away.Message) : away.Message,
            });
        }
    }

    /// <summary>Where the provider's pages are: its issuer and its sign-in need not share a host.</summary>
    private static string Origins(OpenIdConnectConfiguration configuration) => string.Join(
        ' ',
        new[] { configuration.Issuer, configuration.AuthorizationEndpoint, configuration.EndSessionEndpoint }
            .Where(url => Uri.TryCreate(url, UriKind.Absolute, out Uri? parsed) && parsed.Scheme is "https" or "http")
            .Select(url => new PublicOrigin(new Uri(url)).Origin)
            .Distinct());

    [LoggerMessage(
        EventId = 6013,
        EventName = "FrontChannelLogout",
        Level = LogLevel.Information,
        Message = "{Provider} sent a front-channel logout: {Count} sessions ended")]
    private partial void LoggedOut(string provider, int count);
}
