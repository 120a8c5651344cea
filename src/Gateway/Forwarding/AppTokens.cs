using System.Net;
using Gateway.Access;
using Gateway.Apps;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Recheck;
using Gateway.Sessions;

namespace Gateway.Forwarding;

/// <summary>
/// The API token of the user of a device password, or of a provider's access token. Before Paperless is asked for one, provider and Paperless confirm
/// the person where that is due.
/// </summary>
internal sealed class AppTokens(
    SessionRecheck recheck,
    BearerTokens bearers,
    UserApiTokens tokens,
    Upstreams upstreams,
    FailedCredentials failures,
    AccessRefusals refusals)
{
    /// <summary>The token in memory, if nothing has to be asked before it is used; null otherwise.</summary>
    public UserApiToken? FindKnown(Session session) => SessionRecheck.IsDue(session) ? null : tokens.Find(session.Identity.UserId);

    /// <returns>The user's API token; null where the request is refused.</returns>
    public async Task<UserApiToken?> FindAsync(HttpContext context, DeviceRequest device)
    {
        if (await CheckAsync(context, device) is not { } session)
        {
            return null;
        }

        if (tokens.Find(session.Identity.UserId) is { } known)
        {
            return known;
        }

        return await ConfirmAccountAsync(context, session, device.Secret) is { } confirmed ? await FetchAsync(context, confirmed.Identity) : null;
    }

    /// <summary>As <see cref="FindKnown(Session)"/> for the person of an access token that is known to be good.</summary>
    public UserApiToken? FindKnown(Identity identity) => tokens.Find(identity.UserId);

    /// <summary>As <see cref="FindAsync(HttpContext, DeviceRequest)"/> for an access token of a provider.</summary>
    public async Task<(Identity Identity, UserApiToken Token)?> FindAsync(HttpContext context, string bearerToken)
    {
        // Before Paperless is asked for an API token, the account is checked just now.
        bool needsApiToken = bearers.Find(bearerToken) is not { } known || tokens.Find(known.UserId) is null;
        BearerAnswer answer = await bearers.AskAsync(context, bearerToken, mustBeFresh: needsApiToken);
        if (answer.Identity is not { } identity)
        {
            await RefuseAsync(context, bearerToken, answer.Refusal!);
            return null;
        }

        return (tokens.Find(identity.UserId) ?? await FetchAsync(context, identity)) is { } token ? (identity, token) : null;
    }

    /// <summary>The session of a device password whose user Paperless has confirmed just now.</summary>
    /// <returns>Null where the request is refused.</returns>
    public async Task<Session?> ConfirmAsync(HttpContext context, DeviceRequest device) =>
        await CheckAsync(context, device) is { } session ? await ConfirmAccountAsync(context, session, device.Secret) : null;

    /// <summary>Paperless did not open the WebSocket of a device password.</summary>
    public Task RefuseSocketAsync(HttpContext context, HttpStatusCode status) =>
        refusals.RefuseWithoutUserTokenAsync(context, $"Paperless answered {(int)status} to the handshake of the WebSocket");

    /// <summary>Whether Paperless refuses the token, and not the request.</summary>
    public async ValueTask<bool> IsRefusedAsync(UserApiToken token, HttpResponseMessage answer, CancellationToken cancellationToken) => answer.StatusCode switch
    {
        HttpStatusCode.Unauthorized => true,
        HttpStatusCode.Forbidden => await tokens.IsRefusedAsync(token, cancellationToken),
        _ => false,
    };

    /// <summary>Asks for the API token anew, because Paperless refused the one that the gateway knew.</summary>
    /// <returns>Null where the request is refused.</returns>
    public async Task<UserApiToken?> FindAnotherAsync(HttpContext context, UserOfApp user, UserApiToken refused)
    {
        Forget(user, refused);
        return user.BearerToken is { } bearer ? (await FindAsync(context, bearer))?.Token : await FindAsync(context, user.Device!);
    }

    private void Forget(UserOfApp user, UserApiToken refused)
    {
        tokens.Forget(refused);
        if (user.BearerToken is { } bearer)
        {
            bearers.Forget(bearer);
        }
    }

    /// <summary>The user has made a new token in Paperless: sends a request without a body again, with the new one.</summary>
    /// <param name="answer">Becomes the second answer.</param>
    /// <returns>False where the request is refused.</returns>
    public async Task<bool> SendAgainAsync(HttpContext context, UserOfApp user, UserApiToken refused, HttpResponseMessage answer)
    {
        if (BodyLimits.HasBody(context) || answer.RequestMessage is not { } request)
        {
            // The body is used up. The next request gets the new token.
            Forget(user, refused);
            await refusals.RefuseWithoutUserTokenAsync(context, "Paperless no longer accepts the API token of the user");
            return false;
        }

        if (await FindAnotherAsync(context, user, refused) is not { } token)
        {
            return false;
        }

        using HttpRequestMessage again = new(request.Method, request.RequestUri) { Version = request.Version, VersionPolicy = request.VersionPolicy };
        foreach ((string name, IEnumerable<string> values) in request.Headers)
        {
            again.Headers.TryAddWithoutValidation(name, name == "Authorization" ? [token.Authorization] : values);
        }

        HttpResponseMessage second = await upstreams.Client.SendAsync(again, context.RequestAborted);
        if (second.StatusCode == HttpStatusCode.Unauthorized)
        {
            second.Dispose();
            await refusals.RefuseWithoutUserTokenAsync(context, "Paperless does not accept the API token that it has just given");
            return false;
        }

        answer.Content.Dispose();
        answer.StatusCode = second.StatusCode;
        context.Response.StatusCode = (int)second.StatusCode;
        answer.Content = second.Content;
        answer.Headers.Clear();
        foreach ((string name, IEnumerable<string> values) in second.Headers)
        {
            answer.Headers.TryAddWithoutValidation(name, values);
        }

        return true;
    }

    /// <summary>A token that does not count is a failed credential; a person without access, or a provider that does not answer, is none.</summary>
    private Task RefuseAsync(HttpContext context, string bearerToken, Refusal refusal)
    {
        if (refusal.Status != StatusCodes.Status401Unauthorized)
        {
            return refusals.RefuseBearerTokenAsync(context, refusal);
        }

        CredentialAttempt wrong = new(ClientAddress.From(context), userName: null, CredentialKey.From(bearerToken.AsSpan()), CredentialKind.BearerToken);
        return failures.RefuseWrongAsync(context, wrong, () => refusals.RefuseBearerTokenAsync(context, refusal));
    }

    /// <summary>Fetches the API token of a user whom Paperless has confirmed just now.</summary>
    /// <returns>Null where the request is refused.</returns>
    private async Task<UserApiToken?> FetchAsync(HttpContext context, Identity identity)
    {
        try
        {
            return await tokens.FetchAsync(identity.UserId, identity.Username, context.RequestAborted);
        }
        catch (PaperlessApiException failure)
        {
            await refusals.RefuseWithoutUserTokenAsync(context, failure.Message);
            return null;
        }
    }

    /// <summary>Asks the provider again where that is due.</summary>
    /// <returns>Null where the device password has ended. The request is refused then.</returns>
    private async Task<Session?> CheckAsync(HttpContext context, DeviceRequest device)
    {
        Session session = device.Session!;
        if (!SessionRecheck.IsDue(session))
        {
            return session;
        }

        if (await recheck.AskAboutDeviceAsync(session, device.Secret, context.RequestAborted) is { } still)
        {
            return still;
        }

        await refusals.RefuseDevicePasswordAsync(context);
        return null;
    }

    /// <summary>Paperless creates a user of the user header that it does not have: the account is checked just before.</summary>
    private async Task<Session?> ConfirmAccountAsync(HttpContext context, Session session, SessionSecret secret)
    {
        AccountCheck check = await recheck.CheckAccountOfDeviceAsync(session, secret, context.RequestAborted);
        if (check.NoAnswer is { } reason)
        {
            await refusals.RefuseWithoutUserTokenAsync(context, reason);
            return null;
        }

        if (check.Refusal is null && await recheck.FindAsync(session, secret, context.RequestAborted) is { } confirmed)
        {
            return confirmed;
        }

        await refusals.RefuseDevicePasswordAsync(context);
        return null;
    }
}
