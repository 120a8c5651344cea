using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Access;
using Gateway.Accounts;
using Gateway.Pages;
using Gateway.PasswordSessions;
using Gateway.Providers;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.SignIn;

/// <summary>
/// The page that asks a new person whether the Paperless account of the same name is theirs. "Yes" leads to Paperless's login page and from there, with
/// a password session of exactly that account, to a Connect with a fresh sign-in at the provider. "No" goes on as <see cref="UsernameChoice"/>.
/// </summary>
internal sealed partial class AccountQuestion
{
    /// <summary>Where Paperless's login page returns to.</summary>
    public const string Path = "/gateway/account";

    private const string Purpose = "account question 1";

    private const int IdBytes = 32;

    private const int MaxLabelLength = 150;

    private const int MaxNextLength = 500;

    private static readonly TimeSpan Ttl = TimeSpan.FromMinutes(15);

    private readonly UsernameChoice _choice;
    private readonly ConnectFlow _connect;
    private readonly RefusedSignIns _refused;
    private readonly IReplayCache _used;
    private readonly GatewaySettings _settings;
    private readonly PageWriter _pages;
    private readonly TimeProvider _time;
    private readonly ILogger<SecurityLog> _logger;
    private readonly IDataProtector _protector;
    private readonly string _cookie;

    public AccountQuestion(
        UsernameChoice choice,
        ConnectFlow connect,
        RefusedSignIns refused,
        IReplayCache used,
        GatewaySettings settings,
        PageWriter pages,
        TimeProvider time,
        ILogger<SecurityLog> logger,
        IDataProtectionProvider protection)
    {
        _choice = choice;
        _connect = connect;
        _refused = refused;
        _used = used;
        _settings = settings;
        _pages = pages;
        _time = time;
        _logger = logger;
        _protector = protection.CreateProtector(Purpose);
        _cookie = (settings.Public.IsHttps ? "__Host-" : "") + SessionCookie.Prefix + "-account";
    }

    public async Task AskAsync(HttpContext context, Person person, CallbackResult result, string next, Namesake namesake)
    {
        string username = person.Username!;
        Refusal refusal = Exists(person, namesake);
        await _refused.NoteAsync(person.Key, person.Label, refusal);
        if (!context.Request.IsNavigation())
        {
            await _pages.RefuseAsync(context, refusal);
            return;
        }

        Asked(person.Label, person.Subject, person.Issuer, namesake.UserId, namesake.Reason);
        bool canConnect = !_settings.Paperless.RegularLoginDisabled;
        if (canConnect)
        {
            context.Response.Cookies.Append(_cookie, Protect(person, namesake, next), Options(Ttl));
        }

        await PageWriter.ShowAsync<AccountQuestionPage>(context, StatusCodes.Status200OK, new()
        {
            [nameof(AccountQuestionPage.Provider)] = _settings.Providers.First(provider => provider.Id == person.Provider).Name,
            [nameof(AccountQuestionPage.Label)] = person.Label,
            [nameof(AccountQuestionPage.Username)] = username,
            [nameof(AccountQuestionPage.PasswordPath)] = canConnect ? PasswordPath : null,
            [nameof(AccountQuestionPage.Command)] = LinkCommand.For(person, username),
            [nameof(AccountQuestionPage.Action)] = _settings.ScriptName + UsernameChoice.Path,
            [nameof(AccountQuestionPage.State)] = _choice.Begin(context, person, result, next),
        });
    }

    /// <summary>For whom cannot be asked, such as a script or an app.</summary>
    public static Refusal Exists(Person person, Namesake namesake) =>
        new(403, "account_exists", "There is an account of this name", $"There is a Paperless account {person.Username} already.")
        {
            Remedy = "Sign in with a browser, which asks whether it is yours.",
            ForTheLog = $"{person.NameForLog} of {person.Issuer}: the Paperless account of that name (user {namesake.UserId}) is not found by its name, "
                + $"because {namesake.Reason}",
            Level = LogLevel.Information,
        };

    /// <summary>The browser comes back from Paperless's login page.</summary>
    public async Task FinishAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (Read(context) is not { } pending)
        {
            await _pages.RefuseAsync(context, Stale("this browser was asked nothing, or it was too long ago"));
            return;
        }

        if (_connect.FindRefusal(context) is { } fault)
        {
            await _pages.RefuseAsync(context, fault);
            return;
        }

        if (context.SignedInUser() is not { } now)
        {
            await _pages.RefuseAsync(context, NotSignedIn(context.PasswordSessionResult()));
            return;
        }

        // Everything that follows ends the question; a second browser with a copy of the cookie gets no further, either.
        if (!await _used.TryMarkUsedAsync(SHA256.HashData(pending.Id), pending.Until, context.RequestAborted))
        {
            await _pages.RefuseAsync(context, Stale("it was answered before"));
            return;
        }

        context.Response.Cookies.Append(_cookie, "", Options(TimeSpan.Zero));
        if (now.Session is not null || now.Id != pending.UserId)
        {
            await _pages.RefuseAsync(context, AnotherAccount(pending, now));
            return;
        }

        // Another site can begin a sign-in, and somebody else may have been signed in at the provider: whom the provider names after a fresh sign-in is
        // connected, as by a Connect in My Profile.
        context.Response.Redirect(SignInFeature.LoginPath(_settings, pending.Provider, pending.Next, connect: true) + "&prompt=login");
    }

    private string PasswordPath => SignInFeature.PasswordPath(_settings, _settings.ScriptName + Path);

    private string Protect(Person person, Namesake namesake, string next)
    {
        string label = person.Label[..Math.Min(person.Label.Length, MaxLabelLength)];
        PendingConnect pending = new(
            person.Provider,
            label,
            namesake.UserId,
            next.Length <= MaxNextLength ? next : _settings.ScriptName + "/",
            _time.GetUtcNow() + Ttl,
            RandomNumberGenerator.GetBytes(IdBytes));
        return WebEncoders.Base64UrlEncode(_protector.Protect(JsonSerializer.SerializeToUtf8Bytes(pending, PendingConnectJson.Default.PendingConnect)));
    }

    /// <returns>Null where the browser has none, or it is too old, or of a provider that is configured no longer.</returns>
    private PendingConnect? Read(HttpContext context)
    {
        try
        {
            byte[] sent = WebEncoders.Base64UrlDecode(context.Request.Cookies[_cookie] ?? "");
            return JsonSerializer.Deserialize(_protector.Unprotect(sent), PendingConnectJson.Default.PendingConnect) is { } pending
                && pending.Until > _time.GetUtcNow()
                && _settings.Providers.Any(provider => provider.Id == pending.Provider)
                    ? pending
                    : null;
        }
        catch (Exception error) when (error is CryptographicException or FormatException or JsonException)
        {
            return null;
        }
    }

    private Refusal Stale(string reason) => new(400, "account_question_stale", "Nothing was connected", "This browser has no such question open: it is "
        + "answered already, or it took too long.")
    {
        Remedy = "Sign in again.",
        Links = [new PageLink(_settings.ScriptName + SignInFeature.PagePath, "Sign in")],
        ForTheOperator = reason,
    };

    private Refusal NotSignedIn(PasswordSessionResult result) => result.Status switch
    {
        PasswordSessionStatus.Unknown => PaperlessRefusals.SignIn(result.Failure!, again: _settings.ScriptName + Path),
        PasswordSessionStatus.PermissionMissing => new Refusal(
            403,
            "account_question_permission",
            "A permission is missing",
            "Paperless does not let you read your own name, so the gateway cannot tell that the account is yours.")
        {
            Remedy = "Ask the person who runs Paperless for the permission \"View UI settings\".",
        },
        _ => new Refusal(401, "account_question_unproven", "Not signed in yet", "Nothing was connected: you are not signed in with a Paperless password.")
        {
            Links = [new PageLink(PasswordPath, "Sign in with a Paperless password")],
            Level = LogLevel.Information,
        },
    };

    private Refusal AnotherAccount(PendingConnect pending, SignedInUser now) =>
        new(403, "account_question_another", "Nothing was connected", $"You are signed in as {now.Username}, and that is not the account of the question.")
        {
            Remedy = "Sign out, and sign in again.",
            Links = [new PageLink(_settings.ScriptName + "/accounts/logout/", "Sign out")],
            ForTheLog = $"{pending.Label} at {pending.Provider} was asked about user {pending.UserId}, and user {now.Id} is signed in "
                + (now.Session is null ? "with a password" : "by single sign-on"),
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

    [LoggerMessage(
        EventId = 3026,
        EventName = "AccountQuestionAsked",
        Level = LogLevel.Information,
        Message = "{Person}, subject {Subject} of {Issuer}, is asked whether the Paperless account of that name (user {UserId}) is theirs: it is not found by "
            + "its name, because {Reason}")]
    private partial void Asked(string person, string subject, string issuer, int userId, string reason);
}

/// <summary>A question that waits for a password session of one user. It is in a cookie of the browser that was asked, encrypted.</summary>
/// <param name="Label">The person's name at the provider, for the log.</param>
/// <param name="Id">Random: the question is answered once.</param>
internal sealed record PendingConnect(string Provider, string Label, int UserId, string Next, DateTimeOffset Until, byte[] Id);

[JsonSerializable(typeof(PendingConnect))]
internal sealed partial class PendingConnectJson : JsonSerializerContext;
