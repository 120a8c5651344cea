using Gateway.Access;
using Gateway.Pages;
using Gateway.Providers;
using Gateway.Settings;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Apps;

/// <summary>
/// Tells an app which scopes it has to ask the provider for: in the `Location` of a redirect that the app does not follow. Nothing is stored or begun
/// here, and the request has no authority, so that the CSRF token of the form guards nothing. `callback_url` is not used: the address is always
/// the provider's.
/// </summary>
internal sealed class HeadlessRedirect(ProviderRegistry providers, GatewaySettings settings, AccessRefusals crossSite, HeadlessRefusals refusals)
{
    public async Task AnswerAsync(HttpContext context)
    {
        if (!CrossSiteGuard.IsSameOrigin(context.Request, settings.Public))
        {
            await crossSite.RefuseCrossSiteAsync(context);
            return;
        }

        (IFormCollection? form, FormError? error) = await RequestForm.ReadAsync(context);
        if (form is null)
        {
            await refusals.RefuseAsync(context, new HeadlessRefusal(
                new Refusal(error!.Status, "invalid", "A form cannot be read", $"The form cannot be read: {error.Reason}.")));
        }
        else if (form["process"] != "login")
        {
            await refusals.RefuseAsync(context, HeadlessRefusals.Invalid("process", "invalid_choice", "An app can only sign in."));
        }
        else if (providers.Find(form["provider"]) is not { AppClients.Length: > 0 } provider)
        {
            await refusals.RefuseAsync(context, HeadlessRefusals.UnknownProvider());
        }
        else
        {
            await RedirectAsync(context, provider);
        }
    }

    private async Task RedirectAsync(HttpContext context, Provider provider)
    {
        OpenIdConnectConfiguration configuration;
        try
        {
            configuration = await provider.Discovery.GetConfigurationAsync(context.RequestAborted);
        }
        catch (Exception failure) when (ProviderFailureText.IsFailure(failure, context.RequestAborted))
        {
            await refusals.RefuseAsync(context, HeadlessRefusals.From(failure, provider.Settings));
            return;
        }

        // An app that asks for no refresh token has no use for offline_access, and some providers refuse it.
        string scopes = string.Join(' ', provider.Settings.Scopes.Where(scope => scope != OfflineAccess.Scope));
        context.Response.Headers.CacheControl = "no-store";
        context.Response.StatusCode = StatusCodes.Status302Found;
        context.Response.Headers.Location = QueryHelpers.AddQueryString(configuration.AuthorizationEndpoint, new Dictionary<string, string?>
        {
            ["client_id"] = provider.AppClients[0].ClientId,
            ["response_type"] = "code",
            ["scope"] = scopes,
        });
    }
}
