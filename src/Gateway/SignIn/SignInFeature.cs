using System.Globalization;
using Gateway.Access;
using Gateway.Pages;
using Gateway.PasswordSessions;
using Gateway.Providers;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.SignIn;

/// <summary>The way in: the sign-in page, the redirect to a provider, and the way back from it.</summary>
internal static class SignInFeature
{
    public const string PagePath = "/accounts/login/";

    private const string BeginPath = "/accounts/oidc/{providerId}/login/";

    public static string CallbackPath(string providerId) => $"/accounts/oidc/{providerId}/login/callback/";

    /// <summary>The provider that a request's path names; nobody has looked yet whether there is one.</summary>
    public static string ProviderId(this HttpContext context) => context.GetRouteValue("providerId") as string ?? "";

    /// <summary>The redirect URI (RFC 6749, section 3.1.2): from the settings, and not from the request's host.</summary>
    public static string RedirectUri(GatewaySettings settings, string providerId) => settings.Public.Origin + settings.ScriptName + CallbackPath(providerId);

    /// <summary>Where a sign-in at one provider, or a Connect, begins, to lead to <paramref name="next"/>.</summary>
    public static string LoginPath(GatewaySettings settings, string providerId, string? next, bool connect = false) =>
        $"{settings.ScriptName}/accounts/oidc/{providerId}/login/?{(connect ? "process=connect&" : "")}"
        + $"next={Uri.EscapeDataString(next ?? settings.ScriptName + "/")}";

    /// <summary>Paperless's own sign-in page. It, too, goes straight to single sign-on where that is set, but not after a logout.</summary>
    public static string PasswordPath(GatewaySettings settings, string next) =>
        $"{settings.ScriptName}{PagePath}?password=1&next={Uri.EscapeDataString(next)}{(settings.Paperless.RedirectLoginToSso ? "&loggedout=1" : "")}";

    public static void AddSignIn(this WebApplicationBuilder builder, GatewaySettings settings)
    {
        builder.Services.AddSingleton<UsernameChoice>();
        builder.Services.AddSingleton<AccountQuestion>();
        builder.Services.AddSingleton<ConnectFlow>();
        builder.Services.AddSingleton<FailedCallback>();
        builder.Services.AddSingleton<OwnPages>();
        builder.Services.AddSingleton<SuperuserPages>();
        builder.Services.AddSingleton<CorrelationCookies>();
        builder.Services.AddScoped<SignInEvents>();
        builder.Services.AddSingleton<IConfigureOptions<OpenIdConnectOptions>, OpenIdConnectSetup>();
        builder.Services.AddSingleton<IPostConfigureOptions<OpenIdConnectOptions>, OpenIdConnectPostConfigureOptions>();
        AuthenticationBuilder authentication = builder.Services.AddAuthentication();
        foreach (ProviderSettings provider in settings.Providers)
        {
            authentication.AddRemoteScheme<OpenIdConnectOptions, CorrelatedSignInHandler>(
                ProviderRegistry.Scheme(provider.Id),
                provider.Name,
                configureOptions: null);
        }
    }

    /// <summary>The way back from a provider is answered by its OpenID Connect handler, in this middleware.</summary>
    /// <remarks>Said explicitly, or ASP.NET Core puts it in front of everything: before the guards, and on the hot path.</remarks>
    public static void UseSignIn(this WebApplication app)
    {
        app.UseAuthentication();
        app.UseAuthorization();
    }

    public static void MapSignIn(this WebApplication app)
    {
        app.MapMethods(PagePath, [HttpMethods.Get, HttpMethods.Head], ShowPageAsync);
        // Paperless's own login page has the button as a form.
        app.MapGet(BeginPath, context => BeginAsync(context, ThirdPartyLogin.Read(context.Request.Query)));
        app.MapForm(BeginPath, BeginWithFormAsync);
        app.MapForm(UsernameChoice.Path, (context, form) => context.RequestServices.GetRequiredService<UsernameChoice>().TakeAsync(context, form));
        app.MapGet(AccountQuestion.Path, context => context.RequestServices.GetRequiredService<AccountQuestion>().FinishAsync(context));
    }

    private static Task ShowPageAsync(HttpContext context)
    {
        GatewaySettings settings = context.RequestServices.GetRequiredService<GatewaySettings>();
        IQueryCollection query = context.Request.Query;
        string next = ReturnAddress.SafeOrFrontPage(query["next"], settings.ScriptName);
        PageText? notice = SignInNotices.Find(query);
        AppCsrfCookie.Append(context, settings);
        if (context.Session() is not null || context.PasswordSession() is not null)
        {
            context.Response.Headers.CacheControl = "no-store";
            context.Response.Redirect(next);
            return Task.CompletedTask;
        }

        if (settings.Paperless.RedirectLoginToSso && notice is null)
        {
            context.Response.Headers.CacheControl = "no-store";
            context.Response.Redirect(LoginPath(settings, settings.Providers[0].Id, next));
            return Task.CompletedTask;
        }

        PageAssets assets = context.RequestServices.GetRequiredService<PageAssets>();
        return PageWriter.ShowAsync<SignInPage>(context, StatusCodes.Status200OK, new()
        {
            [nameof(SignInPage.Ways)] = settings.Providers.Select(provider => SignInLink(settings, assets, provider, next)).ToList(),
            [nameof(SignInPage.Password)] = PasswordLink(settings, next),
            [nameof(SignInPage.Heading)] = notice == SignInNotices.SignedOut ? (PageText)"Signed out" : "Sign in",
            [nameof(SignInPage.Notice)] = notice,
        });
    }

    private static PageLink SignInLink(GatewaySettings settings, PageAssets assets, ProviderSettings provider, string next) =>
        new(LoginPath(settings, provider.Id, next), $"Sign in with {provider.Name}")
        {
            Icon = assets.OfProvider(provider.Id) is { } icon ? settings.ScriptName + icon.Path : null,
        };

    private static PageLink? PasswordLink(GatewaySettings settings, string next) => settings.Paperless.RegularLoginDisabled
        ? null
        : new PageLink(PasswordPath(settings, next), "Sign in with a Paperless password");

    /// <summary>
    /// A form of another site carries no Lax cookie: the same request by GET does, so that it finds the session of somebody who is signed in.
    /// </summary>
    private static Task BeginWithFormAsync(HttpContext context, IFormCollection form)
    {
        if (ThirdPartyLogin.Read(form) is not { } thirdParty)
        {
            return BeginAsync(context, ThirdPartyLogin.Read(context.Request.Query));
        }

        PageWriter.SeeOther(context.Response, thirdParty.ToAddress(context.Request.PathBase + context.Request.Path));
        return Task.CompletedTask;
    }

    private static async Task BeginAsync(HttpContext context, ThirdPartyLogin? thirdParty)
    {
        IServiceProvider services = context.RequestServices;
        GatewaySettings settings = services.GetRequiredService<GatewaySettings>();
        ConnectFlow connect = services.GetRequiredService<ConnectFlow>();
        PageWriter pages = services.GetRequiredService<PageWriter>();
        IQueryCollection query = context.Request.Query;
        string next = thirdParty?.ReturnAddressAt(settings) ?? ReturnAddress.SafeOrFrontPage(query["next"], settings.ScriptName);
        if (services.GetRequiredService<ProviderRegistry>().Find(context.ProviderId()) is not { } provider)
        {
            await pages.RefuseAsync(context, UnknownProvider(settings));
            return;
        }

        // Frames, images and prefetches of other sites must not fill the browser with correlation cookies.
        if (context.Request.IsPrefetch() || !context.Request.IsNavigation())
        {
            await pages.RefuseAsync(
                context,
                new Refusal(403, "sign_in_embedded", "Open sign-in in its own tab", "A sign-in cannot start in a frame, an image or a prefetch.")
                {
                    Level = LogLevel.Information,
                });
            return;
        }

        bool anew = query["prompt"] == "login";
        context.Response.Headers.CacheControl = "no-store";
        SignedInUser? connecting = ConnectFlow.IsRequested(context.Request) ? context.SignedInUser() : null;
        if (ConnectFlow.IsRequested(context.Request) && connecting is null)
        {
            // No ordinary sign-in instead: it could create an account that blocks this Connect.
            if (context.PasswordSessionResult().Failure is { } unknown)
            {
                await pages.RefuseAsync(context, PaperlessRefusals.SignIn(unknown, again: null));
                return;
            }

            context.Response.Redirect($"{settings.ScriptName}{PagePath}?next={Uri.EscapeDataString(next)}");
            return;
        }

        if (connecting is not null && connect.FindRefusal(context) is { } fault)
        {
            await pages.RefuseAsync(context, fault);
            return;
        }

        if (context.Session() is not null && !anew && connecting is null)
        {
            context.Response.Redirect(next);
            return;
        }

        // Checked first: without the store the callback would fail after the person has signed in at the provider.
        await services.GetRequiredService<ISessionStore>().CheckAsync(context.RequestAborted);
        try
        {
            OpenIdConnectConfiguration configuration = await provider.Discovery.GetConfigurationAsync(context.RequestAborted);
            if (thirdParty is not null && !TenantIssuer.Matches(configuration.Issuer, thirdParty.Issuer, provider.Settings))
            {
                await pages.RefuseAsync(context, OtherIssuer(settings, provider.Settings, thirdParty));
                return;
            }
        }
        catch (ProviderUnavailableException unavailable)
        {
            await pages.RefuseAsync(context, FailureRefusals.Unavailable(provider.Settings, unavailable) with { RetryAfter = 5 });
            return;
        }

        AuthenticationProperties properties = new() { RedirectUri = next };
        properties.Items[RoundTripState.StartedAt] = services.GetRequiredService<TimeProvider>().GetUtcNow().ToString("O", CultureInfo.InvariantCulture);
        if (connecting is not null)
        {
            ConnectFlow.Begin(properties, connecting);
        }

        if (anew)
        {
            properties.Items[RoundTripState.Prompt] = "login";
        }

        if (thirdParty?.LoginHint is { } hint)
        {
            properties.Items[RoundTripState.LoginHint] = hint;
        }

        if (query["again"] == "1")
        {
            properties.Items[RoundTripState.Again] = "1";
        }

        await context.ChallengeAsync(ProviderRegistry.Scheme(provider.Settings.Id), properties);
    }

    private static Refusal OtherIssuer(GatewaySettings settings, ProviderSettings provider, ThirdPartyLogin thirdParty) => new(
        400,
        "other_issuer",
        "This sign-in belongs to another provider",
        $"The link that you followed is not one of {provider.Name}.")
    {
        Remedy = "Sign in from here.",
        Links = [new PageLink(settings.ScriptName + PagePath, "Sign in")],
        ForTheOperator = $"A sign-in at {provider.Id} was requested with the issuer {SignedTokenCheck.Truncate(thirdParty.Issuer)} (iss). Compare it with "
            + "server_url in PAPERLESS_SOCIALACCOUNT_PROVIDERS.",
    };

    private static Refusal UnknownProvider(GatewaySettings settings) =>
        new(404, "unknown_provider", "No such provider", "This address names no provider that the gateway knows.")
        {
            Remedy = "Sign in from here.",
            ForTheOperator = "Compare the address with provider_id in PAPERLESS_SOCIALACCOUNT_PROVIDERS.",
            Links = [new PageLink(settings.ScriptName + PagePath, "Sign in")],
        };
}
