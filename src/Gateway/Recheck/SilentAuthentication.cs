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
/// without showing anything. For sessions that cannot be asked about otherwise, at most once an hour, and for those that it has a reason to doubt.
/// </summary>
internal sealed partial class SilentAuthentication(
    SessionRegistry sessions,
    SessionCookie cookie,
    ProviderRegistry providers,
    RecheckConclusion conclusion,
    RecheckMetrics metrics,
    GatewaySettings settings,
    TimeProvider time,
    ILogger<SilentAuthentication> logger)
{
    /// <summary>How long a page waits for a provider that does not answer.</summary>
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    public static bool IsSilentAuthentication(AuthenticationProperties? properties) => properties?.Items.ContainsKey(RoundTripState.Recheck) == true;

    /// <summary>The next page that is opened makes the trip, but not sooner than an hour after the last one.</summary>
    /// <remarks>
    /// After a refused refresh the trip stays due: <paramref name="record"/> may be older than the refusal, and <see cref="BeginAsync"/> reads the stored one.
    /// </remarks>
    public static void RequestSilentAuthentication(Session session, SessionRecord record)
    {
        session.NeedsRoundTrip = true;
        if (session.RefusedAt is null && record.RoundTripAt is not null)
        {
            session.ScheduleRecheck(record.NextRoundTrip);
        }
    }

    /// <summary>
    /// The refusal for a session that the provider did not confirm in time: a page that tries again, or 401, at which Paperless's interface loads
    /// its page anew.
    /// </summary>
    public Refusal HeldBack(HttpRequest request, Session session)
    {
        PageLink[] links = [new PageLink(settings.ScriptName + "/accounts/logout/", "Sign out")];
        PageText detail = session.RefusedAt is null
            ? "The provider was asked about this session and has not sent the browser back."
            : "The provider did not refresh this session, and has not confirmed it since.";
        return IsPageNavigation(request)
            ? new Refusal(503, "session_unconfirmed", "The provider must confirm this session", detail)
            {
                Remedy = "If this message stays, sign out and sign in again.",
                Links = links,
                RetryAfter = (int)SessionRecord.RoundTripBackoff.TotalSeconds,
            }
            : new Refusal(401, "session_unconfirmed", "The provider must confirm this session", detail)
            {
                Remedy = "Load a page of Paperless: that asks the provider.",
                Links = links,
                Level = LogLevel.Information,
            };
    }

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
                await ExcuseAsync(session, secret, now + SessionRecord.RoundTripBackoff);
                NotConfirmed(session.Identity.Username, ProviderFailureText.Describe(outage, provider.Settings));
                return false;
            }

            // Stored before the redirect, for all replicas.
            DateTimeOffset next = now + SessionRecord.RoundTripBackoff;
            SessionRecord? Noted(SessionRecord record)
            {
                SessionRecord begun = record with { RoundTripAt = now, RoundTripOpenSince = record.RoundTripOpenSince ?? now };
                next = now < record.NextRoundTrip ? record.NextRoundTrip : begun.NextRoundTrip;
                return now < record.NextRoundTrip ? null : begun;
            }

            if (await sessions.RenewAsync(secret, Noted, CancellationToken.None) is not { } noted)
            {
                session.ScheduleRoundTrip(next);
                await sessions.ReloadAsync(secret, CancellationToken.None);
                return false;
            }

            noted.NeedsRoundTrip |= session.NeedsRoundTrip;
            noted.ScheduleRoundTrip(next);
        }
        catch (StoreUnavailableException away)
        {
            session.ScheduleRoundTrip(now + SessionRecord.RoundTripBackoff);
            NotConfirmed(session.Identity.Username, away.Message);
            return false;
        }

        if (session.RoundTripOpenSince is { } openSince)
        {
            NotFinished(session.Identity.Username, provider.Settings.Id, openSince);
        }

        AuthenticationProperties properties = new() { RedirectUri = target };
        properties.Items[RoundTripState.StartedAt] = now.ToString("O", CultureInfo.InvariantCulture);
        properties.Items[RoundTripState.Prompt] = "none";
        properties.Items[RoundTripState.Recheck] = Convert.ToHexStringLower(session.Key.ToBytes());
        if (session.SidLostAt is not null)
        {
            properties.Items[RoundTripState.ReplacesRefreshToken] = "1";
        }

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
        Confirmation confirmation = new(result.Claims, result.AssertedAt, result.AssertedAt, result.Tokens) { IsRoundTrip = true };
        if (await conclusion.ApplyAsync(session, secret, confirmation) is { } noAnswer)
        {
            metrics.Unanswered();
            await CloseAsync(session, secret);
            NotConfirmed(session.Identity.Username, noAnswer);
            return;
        }

        metrics.Confirmed();
        if (sessions.Current(session.Key) is { Identity: var identity })
        {
            Provider? provider = providers.Find(identity.Provider);
            if (session.RefusedAt is not null)
            {
                provider?.RefreshTokenWarning.NoteRefusedWithoutReason();
            }

            if (session.SidLostAt is not null && result.Sid is { } sid
                && session.HasIndex(SessionIndex.ForSid(identity.Provider, identity.Issuer, sid)))
            {
                provider?.RefreshedSid.NoteAbsentWithoutReason();
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
        if (OwnSession(context, properties) is not { } session || !cookie.TryRead(context.Request.Headers.Cookie, out SessionSecret secret))
        {
            return;
        }

        string? error = FailureRefusals.ErrorOf(failure);
        bool isRefused = error is "login_required" or "access_denied"
            || (session.RefusedAt is not null && (error is "interaction_required" or "consent_required" or "account_selection_required"));
        if (isRefused && failure is not ProviderRefusedException { IsOfPushedRequest: true })
        {
            metrics.Denied();
            await conclusion.EndAsync(session, SessionEnd.RefusedByTheProvider, $"it answered {error}");
            return;
        }

        metrics.Unanswered();

        // Anybody can bring an error to the callback. Where the provider's session is probably over, only a confirmation closes the question.
        if (session.SidLostAt is null)
        {
            await CloseAsync(session, secret);
        }

        NotConfirmed(
            session.Identity.Username,
            error is null
                ? ProviderFailureText.Describe(failure, providers.Find(session.Identity.Provider)!.Settings)
                : $"it answered {ProviderFailureText.ErrorCode(error)}");
    }

    /// <summary>The browser has come back, and the session is neither confirmed nor refused.</summary>
    private async Task CloseAsync(Session session, SessionSecret secret)
    {
        try
        {
            SessionRecord? closed = null;
            SessionRecord? Closed(SessionRecord record) =>
                closed = record.RoundTripOpenSince is null ? null : record with { RoundTripOpenSince = null };
            if (await sessions.RenewAsync(secret, Closed, CancellationToken.None) is { } now && session.NeedsRoundTrip)
            {
                RequestSilentAuthentication(now, closed!);
            }
        }
        catch (StoreUnavailableException away)
        {
            NotConfirmed(session.Identity.Username, away.Message);
        }
    }

    /// <summary>The provider does not answer: a silent authentication that has not come back says nothing about the person, and is repeated.</summary>
    private async Task ExcuseAsync(Session session, SessionSecret secret, DateTimeOffset next)
    {
        Session? now = session;
        if (session.RoundTripOpenSince is not null)
        {
            now = await sessions.RenewAsync(secret, record => record with { RoundTripOpenSince = null, RoundTripAt = null }, CancellationToken.None);
            if (now is not null)
            {
                now.NeedsRoundTrip |= session.NeedsRoundTrip;
            }
        }

        now?.ScheduleRoundTrip(next);
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

    [LoggerMessage(
        EventId = 3051,
        EventName = "SilentAuthenticationNotFinished",
        Level = LogLevel.Warning,
        Message = "The silent authentication of {User} at {Provider} has not come back since {Since:u}: the provider may show a page of its own, such as a "
            + "denial, or the person has closed the page. The page asks again; without an answer within one recheck interval only a page that asks is served")]
    private partial void NotFinished(string user, string provider, DateTimeOffset since);
}
