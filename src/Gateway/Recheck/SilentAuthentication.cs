using System.Globalization;
using Gateway.Access;
using Gateway.Pages;
using Gateway.Providers;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Recheck;

/// <summary>
/// A round trip of the browser with `prompt=none` (OpenID Connect Core 1.0, section 3.1.2.1), on the way to a page: the provider answers
/// without showing anything. For sessions that cannot be asked about otherwise, at most once an hour.
/// </summary>
internal sealed partial class SilentAuthentication(
    SessionRegistry sessions,
    SessionCookie cookie,
    ProviderRegistry providers,
    RecheckConclusion conclusion,
    GatewaySettings settings,
    TimeProvider time,
    ILogger<SilentAuthentication> logger)
{
    public static readonly TimeSpan MinInterval = TimeSpan.FromHours(1);

    /// <summary>How long a page waits for a provider that does not answer.</summary>
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan RetryBackoff = TimeSpan.FromMinutes(1);

    public static bool IsSilentAuthentication(AuthenticationProperties? properties) => properties?.Items.ContainsKey(RoundTripState.Recheck) == true;

    /// <summary>The next page that is opened makes the trip, but not sooner than an hour after the last one.</summary>
    public static void RequestSilentAuthentication(Session session, SessionRecord record)
    {
        session.NeedsRoundTrip = true;
        if (record.RoundTripAt is { } last)
        {
            session.ScheduleRecheck(last + MinIntervalOf(session.RefusedAt));
        }
    }

    /// <summary>
    /// The refusal for a session whose refused refresh was not confirmed in time: a page that tries again, or 401, at which Paperless's interface
    /// loads its page anew.
    /// </summary>
    public Refusal HeldBack(HttpRequest request)
    {
        PageLink[] links = [new PageLink(settings.ScriptName + "/accounts/logout/", "Sign out")];
        const string detail = "The provider did not refresh this session, and has not confirmed it since.";
        return IsPageNavigation(request)
            ? new Refusal(503, "session_unconfirmed", "The provider must confirm this session", detail)
            {
                Remedy = "This page tries again by itself. Or sign out and sign in again.",
                Links = links,
                RetryAfter = (int)RetryBackoff.TotalSeconds,
            }
            : new Refusal(401, "session_unconfirmed", "The provider must confirm this session", detail)
            {
                Remedy = "Load a page of Paperless: that asks the provider.",
                Links = links,
                Level = LogLevel.Information,
            };
    }

    /// <summary>After a refusal every page asks, but a provider that gives no answer must not cause a loop.</summary>
    private static TimeSpan MinIntervalOf(DateTimeOffset? refusedAt) => refusedAt is null ? MinInterval : RetryBackoff;

    /// <returns>Whether the browser was sent to the provider.</returns>
    public async Task<bool> BeginAsync(HttpContext context, Session session, SessionSecret secret)
    {
        string asked = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;

        // A session that is held back gets nothing without the round trip: it then leads to the front page.
        string target = ReturnAddress.SafeOrFrontPage(asked, settings.ScriptName);
        if (!IsPageNavigation(context.Request) || (target != asked && !session.IsHeldBack)
            || providers.Find(session.Identity.Provider) is not { } provider)
        {
            return false;
        }

        DateTimeOffset now = time.GetUtcNow();
        try
        {
            if (await FindOutageAsync(provider, context.RequestAborted) is { } outage)
            {
                session.ScheduleRecheck(now + RetryBackoff);
                NotConfirmed(session.Identity.Username, ProviderFailureText.Describe(outage, provider.Settings));
                return false;
            }

            // Stored before the redirect, for all replicas: the next silent authentication is at least an hour away.
            DateTimeOffset? last = null;
            TimeSpan interval = MinIntervalOf(session.RefusedAt);
            SessionRecord? Noted(SessionRecord record)
            {
                last = record.RoundTripAt;
                interval = MinIntervalOf(record.RefusedAt);
                return now - (last ?? DateTimeOffset.MinValue) < interval ? null : record with { RoundTripAt = now };
            }

            if (await sessions.RenewAsync(secret, Noted, CancellationToken.None) is not { } noted)
            {
                session.ScheduleRecheck(last is { } before ? before + interval : now + RetryBackoff);
                await sessions.ReloadAsync(secret, CancellationToken.None);
                return false;
            }

            noted.NeedsRoundTrip = true;
            noted.ScheduleRecheck(now + interval);
        }
        catch (StoreUnavailableException away)
        {
            session.ScheduleRecheck(now + RetryBackoff);
            NotConfirmed(session.Identity.Username, away.Message);
            return false;
        }

        AuthenticationProperties properties = new() { RedirectUri = target };
        properties.Items[RoundTripState.StartedAt] = now.ToString("O", CultureInfo.InvariantCulture);
        properties.Items[RoundTripState.Prompt] = "none";
        properties.Items[RoundTripState.Recheck] = Convert.ToHexStringLower(session.Key.ToBytes());
        context.Response.Headers.CacheControl = "no-store";
        await context.ChallengeAsync(ProviderRegistry.Scheme(provider.Settings.Id), properties);
        return true;
    }

    /// <summary>The provider has answered with tokens, and everything of them is checked.</summary>
    public async Task FinishAsync(HttpContext context, AuthenticationProperties properties, CallbackResult result)
    {
        if (OwnSession(context, properties) is not { } session || !cookie.TryRead(context.Request.Headers.Cookie, out SessionSecret secret))
        {
            // Signed out, or in again, meanwhile: that stands.
            return;
        }

        try
        {
            await ConcludeAsync(context, session, secret, result);
        }
        catch (StoreUnavailableException away)
        {
            NotConfirmed(session.Identity.Username, away.Message);
        }
    }

    private async Task ConcludeAsync(HttpContext context, Session session, SessionSecret secret, CallbackResult result)
    {
        if (await conclusion.ApplyAsync(session, secret, result.Claims, result.AssertedAt, result.AssertedAt, result.Tokens) is { } noAnswer)
        {
            NotConfirmed(session.Identity.Username, noAnswer);
        }
        else if (sessions.Current(session.Key) is { Identity: var identity })
        {
            if (session.RefusedAt is not null)
            {
                providers.Find(identity.Provider)?.RefreshTokenWarning.NoteRefusedWithoutReason();
            }

            if (!HasNewProviderSession(session, result))
            {
                return;
            }

            // The logout that the provider sends will speak of its new session: so this person gets a new one here, too.
            await context.SignInAsync(
                SessionScheme.Name,
                new SignedInPrincipal(new NewSession(identity, result.Tokens, result.Sub, result.Sid, result.AssertedAt)));
        }
    }

    /// <summary>The provider has answered with an error, or nothing that can be taken. Only a clear word ends the session.</summary>
    public async Task FailAsync(HttpContext context, AuthenticationProperties properties, Exception failure)
    {
        if (OwnSession(context, properties) is not { } session)
        {
            return;
        }

        string? error = FailureRefusals.ErrorOf(failure);
        bool isRefused = error is "login_required" or "access_denied"
            || (session.RefusedAt is not null && (error is "interaction_required" or "consent_required" or "account_selection_required"));
        if (isRefused && failure is not ProviderRefusedException { IsOfPushedRequest: true })
        {
            await conclusion.EndAsync(session, SessionEnd.RefusedByTheProvider, $"it answered {error}");
            return;
        }

        NotConfirmed(
            session.Identity.Username,
            error is null
                ? ProviderFailureText.Describe(failure, providers.Find(session.Identity.Provider)!.Settings)
                : $"it answered {ProviderFailureText.ErrorCode(error)}");
    }

    private static bool HasNewProviderSession(Session session, CallbackResult result) =>
        result.Sid is { } sid
        && !session.HasIndex(SessionIndex.ForSid(session.Identity.Provider, session.Identity.Issuer, sid))
        && session.HasIndex(SessionIndex.ForPerson(session.Identity.Person with { Subject = result.Sub }));

    private static Session? OwnSession(HttpContext context, AuthenticationProperties properties) =>
        context.Session() is { } session && properties.Items[RoundTripState.Recheck] == Convert.ToHexStringLower(session.Key.ToBytes()) ? session : null;

    /// <summary>A person opens a page; nothing that fetches ahead, and nothing in a frame.</summary>
    private static bool IsPageNavigation(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) && request.IsNavigation() && !request.IsPrefetch();

    private async Task<Exception?> FindOutageAsync(Provider provider, CancellationToken aborted)
    {
        using Deadline deadline = new(AnswerTimeout, time, aborted);
        try
        {
            await provider.EnsureReachableAsync(deadline.Token);
            return null;
        }
        catch (Exception error) when (error is HttpRequestException or ProviderUnavailableException
            || (error is OperationCanceledException && !aborted.IsCancellationRequested))
        {
            return error;
        }
    }

    [LoggerMessage(
        EventId = 3050,
        EventName = "SilentAuthenticationWithoutAnswer",
        Level = LogLevel.Warning,
        Message = "The silent authentication of {User} confirmed nothing ({Reason}). The session is unchanged")]
    private partial void NotConfirmed(string user, string reason);
}
