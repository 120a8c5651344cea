using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Access;
using Gateway.Accounts;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Providers;
using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.SignIn;

/// <summary>
/// The page on which a new person chooses a user name. The finished sign-in waits in the page itself, encrypted, for a quarter of an hour,
/// and only the browser that it was made in can send it.
/// </summary>
internal sealed class UsernameChoice
{
    public const string Path = "/gateway/username";

    private const int BrowserBytes = 32;

    private const string Purpose = "username choice 1";

    private static readonly TimeSpan FormTtl = TimeSpan.FromMinutes(15);

    private readonly AccountSignIn _accounts;
    private readonly GatewaySettings _settings;
    private readonly PageWriter _pages;
    private readonly TimeProvider _time;
    private readonly IDataProtector _protector;
    private readonly string _cookie;

    public UsernameChoice(AccountSignIn accounts, GatewaySettings settings, PageWriter pages, TimeProvider time, IDataProtectionProvider protection)
    {
        _accounts = accounts;
        _settings = settings;
        _pages = pages;
        _time = time;
        _protector = protection.CreateProtector(Purpose);
        _cookie = (settings.Public.IsHttps ? "__Host-" : "") + SessionCookie.Prefix + "-choice";
    }

    public Task AskAsync(HttpContext context, Person person, CallbackResult result, string next, AccountAnswer answer) =>
        ShowAsync(context, Keep(context, person, result, next), answer);

    /// <summary>For a form that asks for a new account and names none: its field `state`.</summary>
    public string Begin(HttpContext context, Person person, CallbackResult result, string next) =>
        Protect(Keep(context, person, result, next) with { IsWithoutName = true });

    private PendingSignIn Keep(HttpContext context, Person person, CallbackResult result, string next)
    {
        // Reuse the cookie of another tab, so that its form stays valid.
        byte[] browser = BrowserOf(context) ?? RandomNumberGenerator.GetBytes(BrowserBytes);
        context.Response.Cookies.Append(_cookie, WebEncoders.Base64UrlEncode(browser), Options(FormTtl));
        return new PendingSignIn(person, result.Tokens, result.Sub, result.Sid, next, _time.GetUtcNow() + FormTtl, SHA256.HashData(browser));
    }

    public async Task TakeAsync(HttpContext context, IFormCollection form)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (!CrossSiteGuard.IsSameOrigin(context.Request, _settings.Public))
        {
            await _pages.RefuseAsync(context, Stale("not a form of this site"));
            return;
        }

        if (Read(form["state"]) is not { } pending || !IsOfThisBrowser(context, pending))
        {
            await _pages.RefuseAsync(context, Stale("the state of the form is not of this browser"));
            return;
        }

        if (pending.Until <= _time.GetUtcNow())
        {
            // No redirect: the page's form-action forbids a form that leads to the provider.
            await _pages.RefuseAsync(context, Stale("the form was open for too long") with { Links = [new PageLink(LoginPath(pending), "Start again")] });
            return;
        }

        context.Features.Set(new RetryElsewhere(LoginPath(pending)));
        try
        {
            string? chosen = pending.IsWithoutName ? null : form["username"].ToString().Trim();
            AccountAnswer answer = await _accounts.SignInAsync(pending.Person, chosen, wantsNewAccount: true);
            if (answer.Account is { } account)
            {
                context.Response.Cookies.Append(_cookie, "", Options(TimeSpan.Zero));
                await context.SignInAsync(SessionScheme.Name, new SignedInPrincipal(
                    new NewSession(pending.Person.ToIdentity(account), pending.Tokens, pending.Sub, pending.Sid, pending.Person.AssertedAt)));
                PageWriter.SeeOther(context.Response, pending.Next);
            }
            else if (answer.Refusal is { } refusal)
            {
                await _pages.RefuseAsync(context, refusal);
            }
            else
            {
                await ShowAsync(context, pending with { IsWithoutName = false }, answer);
            }
        }
        catch (PaperlessApiException failure)
        {
            await _pages.RefuseAsync(context, PaperlessRefusals.SignIn(failure, LoginPath(pending)));
        }
    }

    private Task ShowAsync(HttpContext context, PendingSignIn pending, AccountAnswer answer)
    {
        if (answer.NameError is { } fault)
        {
            Refusal refusal = new(StatusCodes.Status400BadRequest, "username_refused", "Another user name", fault);
            _pages.Log(context, refusal with { Level = LogLevel.Information, ForTheLog = $"the user name {fault}" });
        }

        return PageWriter.ShowAsync<ChooseUsernamePage>(
            context,
            answer.NameError is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest,
            new()
            {
                [nameof(ChooseUsernamePage.Provider)] = _settings.Providers.FirstOrDefault(provider => provider.Id == pending.Person.Provider)?.Name
                    ?? pending.Person.Provider,
                [nameof(ChooseUsernamePage.Label)] = pending.Person.Label,
                [nameof(ChooseUsernamePage.Action)] = _settings.ScriptName + Path,
                [nameof(ChooseUsernamePage.Proposed)] = answer.ProposedName,
                [nameof(ChooseUsernamePage.State)] = Protect(pending),
                [nameof(ChooseUsernamePage.Error)] = answer.NameError,
            });
    }

    private string Protect(PendingSignIn pending) =>
        WebEncoders.Base64UrlEncode(_protector.Protect(JsonSerializer.SerializeToUtf8Bytes(pending, PendingSignInJson.Default.PendingSignIn)));

    private PendingSignIn? Read(string? state)
    {
        try
        {
            return JsonSerializer.Deserialize(_protector.Unprotect(WebEncoders.Base64UrlDecode(state ?? "")), PendingSignInJson.Default.PendingSignIn);
        }
        catch (Exception error) when (error is CryptographicException or FormatException or JsonException)
        {
            return null;
        }
    }

    private bool IsOfThisBrowser(HttpContext context, PendingSignIn pending) =>
        BrowserOf(context) is { } browser && CryptographicOperations.FixedTimeEquals(SHA256.HashData(browser), pending.Browser);

    /// <summary>What the browser was given with an earlier page; null where that is nothing, or nothing of this class's making.</summary>
    private byte[]? BrowserOf(HttpContext context)
    {
        try
        {
            return context.Request.Cookies[_cookie] is { } cookie && WebEncoders.Base64UrlDecode(cookie) is { Length: BrowserBytes } browser ? browser : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private string LoginPath(PendingSignIn pending) => SignInFeature.LoginPath(_settings, pending.Person.Provider, pending.Next);

    private Refusal Stale(string reason) => new(400, "sign_in_stale", "This sign-in is too old", "This form belongs to no open sign-in of this browser.")
    {
        Remedy = "Start again.",
        Links = [new PageLink(_settings.ScriptName + SignInFeature.PagePath, "Sign in")],
        ForTheOperator = reason,
    };

    private CookieOptions Options(TimeSpan age) => new()
    {
        HttpOnly = true,
        Secure = _settings.Public.IsHttps,
        SameSite = SameSiteMode.Strict,
        Path = "/",
        MaxAge = age,
        IsEssential = true,
    };
}

/// <summary>A sign-in that waits for a user name.</summary>
/// <param name="Next">Where the person was going.</param>
/// <param name="Browser">SHA-256 of the cookie that the browser got with the page.</param>
internal sealed record PendingSignIn(Person Person, ProviderTokens Tokens, string Sub, string? Sid, string Next, DateTimeOffset Until, byte[] Browser)
{
    /// <summary>The form asks for a new account, and the person has not been asked for a name: with auto-signup nobody chooses one.</summary>
    public bool IsWithoutName { get; init; }

    /// <summary>For logs and debuggers: never the token.</summary>
    public override string ToString() => Person.Label;
}

[JsonSerializable(typeof(PendingSignIn))]
internal sealed partial class PendingSignInJson : JsonSerializerContext;
