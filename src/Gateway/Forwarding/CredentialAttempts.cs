using System.Net;
using System.Text;
using Gateway.Access;
using Gateway.Settings;

namespace Gateway.Forwarding;

/// <summary>
/// Limits guessing on requests for Paperless: which of them try a password or token, and what Paperless's answer says of it. Requests with a
/// session try none, except for password forms, and those with a credential that Paperless accepted lately do not wait.
/// </summary>
internal sealed class CredentialAttempts(
    GatewaySettings settings,
    FailedCredentials failures,
    VerifiedCredentials verified,
    CredentialCheck check,
    AccessRefusals refusals)
{
    /// <summary>Paperless sends this header to whom it knows, whatever the status (its ApiVersionMiddleware).</summary>
    private const string AuthenticatedHeader = "X-Api-Version";

    /// <summary>Whether the request tries a credential that is not known to be valid.</summary>
    public bool IsAttempt(HttpContext context, AccessDecision access)
    {
        if (!failures.IsOn)
        {
            return false;
        }

        return access == AccessDecision.WithCredential ? !verified.Contains(KeyOf(context)) : PasswordForms.Takes(context, access);
    }

    /// <returns>The attempt; null where the request is refused and answered.</returns>
    public async Task<CredentialAttempt?> BeginAsync(HttpContext context, AccessDecision access)
    {
        CredentialAttempt? attempt = access == AccessDecision.WithCredential ? FromCredential(context) : await FindFormAsync(context);
        if (attempt is null)
        {
            await refusals.RefuseLargeBodyAsync(context);
            return null;
        }

        await failures.BeginAsync(attempt);
        if (attempt.BlockedFor is { } wait)
        {
            await AccessRefusals.RefuseBlockedAsync(context, wait);
            return null;
        }

        return attempt;
    }

    public void End(CredentialAttempt attempt) => failures.End(attempt);

    /// <summary>Notes what Paperless's answer says of the credential. The client does not have the answer yet.</summary>
    public ValueTask NoteAnswerAsync(HttpContext context, HttpResponseMessage answer, AccessDecision access)
    {
        CredentialAttempt? attempt = context.Features.Get<CredentialAttempt>();
        if (access == AccessDecision.WithCredential)
        {
            return NoteApiAnswerAsync(context, answer, attempt);
        }

        if (attempt is null)
        {
            return default;
        }

        bool hasSession = access is AccessDecision.WithIdentity or AccessDecision.WithPasswordSession;
        return new ValueTask(NoteFormAnswerAsync(context.Request.Path.Value!, answer, attempt, hasSession));
    }

    /// <summary>Notes that Paperless rejected the credential of a request that was not forwarded.</summary>
    public async Task NoteRejectionAsync(HttpContext context)
    {
        if (!failures.IsOn)
        {
            return;
        }

        verified.Remove(KeyOf(context));
        await failures.NoteFailureAsync(context.Features.Get<CredentialAttempt>() ?? FromCredential(context));
    }

    private ValueTask NoteApiAnswerAsync(HttpContext context, HttpResponseMessage answer, CredentialAttempt? attempt)
    {
        bool isRefused = answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden;
        if (!isRefused && attempt is null)
        {
            return default;
        }

        if (answer.Headers.NonValidated.Contains(AuthenticatedHeader))
        {
            // 403 with this header is a missing permission.
            return attempt is null ? default : new ValueTask(NoteSuccessAsync(attempt));
        }

        return isRefused ? new ValueTask(NoteRefusalAsync(context, answer.StatusCode, attempt)) : default;
    }

    /// <summary>With PAPERLESS_ENABLE_HTTP_REMOTE_USER_API a wrong credential gets 403; so may a good one from something in between.</summary>
    private async Task NoteRefusalAsync(HttpContext context, HttpStatusCode status, CredentialAttempt? attempt)
    {
        if (status == HttpStatusCode.Unauthorized)
        {
            await NoteRejectionAsync(context);
        }
        else if (attempt is null)
        {
            verified.Remove(KeyOf(context));
        }
        else if (await check.AskAsync(context) is CredentialStatus.Rejected or CredentialStatus.Busy)
        {
            await failures.NoteFailureAsync(attempt);
        }
    }

    private Task NoteSuccessAsync(CredentialAttempt attempt)
    {
        verified.Add(attempt.Credential);
        return failures.NoteSuccessAsync(attempt);
    }

    /// <param name="hasSession">Then success is not noted: a redirect may be for who is signed in, not for who is named in the form.</param>
    private Task NoteFormAnswerAsync(string path, HttpResponseMessage answer, CredentialAttempt attempt, bool hasSession)
    {
        int status = (int)answer.StatusCode;
        if (path == PasswordForms.TokenPath && !hasSession)
        {
            return status switch { 400 => failures.NoteFailureAsync(attempt), 200 => failures.NoteSuccessAsync(attempt), _ => Task.CompletedTask };
        }

        // The login page comes again where the password is wrong, and with 400 where a script asked.
        if (status == 400 || (status == 200 && answer.Content.Headers.ContentType?.MediaType == "text/html"))
        {
            return failures.NoteFailureAsync(attempt);
        }

        // Without a new session the password was not compared: somebody was signed in already.
        return !hasSession && status is >= 300 and < 400 && StartsSession(answer) ? failures.NoteSuccessAsync(attempt) : Task.CompletedTask;
    }

    private bool StartsSession(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? cookies)
        && cookies.Any(cookie => cookie.StartsWith(settings.Paperless.SessionCookie + "=", StringComparison.Ordinal));

    private static CredentialAttempt FromCredential(HttpContext context)
    {
        string? userName = FindBasicUserName(HeaderOf(context));
        CredentialKind kind = userName is null ? CredentialKind.ApiToken : CredentialKind.Password;
        return new CredentialAttempt(ClientAddress.From(context), userName, KeyOf(context), kind);
    }

    /// <returns>Null where the form is too large.</returns>
    private static async Task<CredentialAttempt?> FindFormAsync(HttpContext context)
    {
        if (await PasswordForms.ReadAsync(context) is not { } body)
        {
            return null;
        }

        string userName = await PasswordForms.FindUserNameAsync(context, body);
        return new CredentialAttempt(ClientAddress.From(context), userName, PasswordForms.KeyOf(context.Request, body), CredentialKind.Password);
    }

    /// <returns>Null for a token; an empty name where the credential cannot be read.</returns>
    private static string? FindBasicUserName(string header)
    {
        if (!header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        byte[] bytes = new byte[header.Length];
        return Convert.TryFromBase64String(header["Basic ".Length..].Trim(), bytes, out int length)
            ? Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2)[0]
            : "";
    }

    private static CredentialKey KeyOf(HttpContext context) => CredentialKey.From(HeaderOf(context).AsSpan());

    /// <summary>The access table lets no second header pass.</summary>
    private static string HeaderOf(HttpContext context) => context.Request.Headers.Authorization.ToString();
}
