using System.Net;
using Gateway.Access;
using Gateway.Paperless;
using Gateway.Recheck;
using Gateway.Sessions;

namespace Gateway.Forwarding;

/// <summary>
/// The API token of a device password's user. Before Paperless is asked for one, provider and Paperless confirm the person where that is due.
/// </summary>
internal sealed class AppTokens(SessionRecheck recheck, UserApiTokens tokens, Upstreams upstreams, AccessRefusals refusals)
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

        try
        {
            return await ConfirmAccountAsync(context, session, device.Secret) is { } confirmed
                ? await tokens.FetchAsync(confirmed.Identity.UserId, confirmed.Identity.Username, context.RequestAborted)
                : null;
        }
        catch (PaperlessApiException failure)
        {
            await refusals.RefuseWithoutUserTokenAsync(context, failure.Message);
            return null;
        }
    }

    /// <summary>The session of a device password whose user Paperless has confirmed just now.</summary>
    /// <returns>Null where the request is refused.</returns>
    public async Task<Session?> ConfirmAsync(HttpContext context, DeviceRequest device) =>
        await CheckAsync(context, device) is { } session ? await ConfirmAccountAsync(context, session, device.Secret) : null;

    /// <summary>Whether Paperless refuses the token, and not the request.</summary>
    public async ValueTask<bool> IsRefusedAsync(UserApiToken token, HttpResponseMessage answer, CancellationToken cancellationToken) => answer.StatusCode switch
    {
        HttpStatusCode.Unauthorized => true,
        HttpStatusCode.Forbidden => await tokens.IsRefusedAsync(token, cancellationToken),
        _ => false,
    };

    /// <summary>The user has made a new token in Paperless: sends a request without a body again, with the new one.</summary>
    /// <param name="answer">Becomes the second answer.</param>
    /// <returns>False where the request is refused.</returns>
    public async Task<bool> SendAgainAsync(HttpContext context, DeviceRequest device, UserApiToken refused, HttpResponseMessage answer)
    {
        tokens.Forget(refused);
        if (BodyLimits.HasBody(context) || answer.RequestMessage is not { } request)
        {
            // The body is used up. The next request gets the new token.
            await refusals.RefuseWithoutUserTokenAsync(context, "Paperless no longer accepts the API token of the user");
            return false;
        }

        if (await FindAsync(context, device) is not { } token)
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

        if (check.Refusal is null && recheck.Current(session) is { } confirmed)
        {
            return confirmed;
        }

        await refusals.RefuseDevicePasswordAsync(context);
        return null;
    }
}
