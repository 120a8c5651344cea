using System.Collections.Frozen;
using Serilog.Events;

namespace Gateway.Operations;

/// <summary>What the audit stream says of a log event.</summary>
/// <param name="Id">The id of the log event; it never changes its meaning.</param>
internal sealed record AuditEvent(int Id, string Action, bool IsSuccess = true)
{
    public string Outcome => IsSuccess ? "success" : "failure";
}

/// <summary>The log events that the audit stream contains, and the names of their properties there. docs/audit.md documents both.</summary>
internal static class AuditEvents
{
    public const int Refused = 4001;

    public static readonly AuditEvent[] All =
    [
        new(2001, "sign_in"),
        new(2006, "sign_in", IsSuccess: false),
        new(3021, "sign_in", IsSuccess: false),
        new(5021, "password_sign_in"),
        new(2002, "session_end"),
        new(2005, "session_end"),
        new(3040, "session_refuse"),
        new(5022, "password_session_end"),
        new(6010, "provider_logout"),
        new(6013, "provider_logout"),
        new(6011, "provider_logout", IsSuccess: false),
        new(6012, "provider_logout", IsSuccess: false),
        new(7020, "link_add"),
        new(7023, "link_move"),
        new(7040, "link_add"),
        new(7044, "link_add"),
        new(7050, "link_add"),
        new(7041, "link_remove"),
        new(7060, "link_remove"),
        new(7061, "link_remove", IsSuccess: false),
        new(7042, "pending_link_add"),
        new(7043, "pending_link_remove"),
        new(7021, "account_create"),
        new(7030, "groups_change"),
        new(7031, "flag_change"),
        new(7033, "flag_change", IsSuccess: false),
        new(2010, "device_password_make"),
        new(8001, "device_password_use"),
        new(3070, "access_token_use"),
        new(8000, "credential", IsSuccess: false),
        new(5043, "credential_limit", IsSuccess: false),
        new(5044, "credential_limit", IsSuccess: false),
        new(8100, "admin_session_end"),
        new(8101, "admin_session_end"),
        new(8102, "admin_session_end"),
        new(8103, "admin_link_remove"),
        new(8104, "admin_device_password_revoke"),
        new(Refused, "access", IsSuccess: false),
    ];

    /// <summary>The names of a log event's properties in the audit stream; other properties are not in it.</summary>
    public static readonly FrozenDictionary<string, string> Fields = new Dictionary<string, string>
    {
        ["Actor"] = "actor",
        ["User"] = "user",
        ["Person"] = "user",
        ["UserId"] = "user_id",
        ["Provider"] = "provider",
        ["Scheme"] = "provider",
        ["Issuer"] = "issuer",
        ["Subject"] = "subject",
        ["Session"] = "session",
        ["Sessions"] = "sessions",
        ["Count"] = "count",
        ["Cause"] = "cause",
        ["Status"] = "status",
        ["Code"] = "code",
        ["Reason"] = "reason",
        ["How"] = "how",
        ["Added"] = "added",
        ["Removed"] = "removed",
        ["Groups"] = "groups",
        ["Superuser"] = "superuser",
        ["Staff"] = "staff",
        ["Device"] = "name",
        ["Flag"] = "flag",
        ["Change"] = "change",
        ["Claim"] = "claim",
        ["Name"] = "name",
        ["Scope"] = "scope",
        ["ExpiresAt"] = "expires_at",
        ["Kind"] = "kind",
        ["Address"] = "address",
        ["Failures"] = "failures",
        [RequestEnricher.Client] = "client",
        [RequestEnricher.Agent] = "agent",
        [RequestEnricher.Method] = "method",
        [RequestEnricher.Path] = "path",
        [RequestEnricher.TraceId] = "trace_id",
        [RequestEnricher.RequestId] = "request_id",
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<int, AuditEvent> ById = All.ToFrozenDictionary(one => one.Id);

    /// <returns>Null for an event that is not in the audit stream.</returns>
    public static AuditEvent? Find(LogEvent logEvent)
    {
        if (LoggedEvent.IdOf(logEvent) is not { } id || !ById.TryGetValue(id, out AuditEvent? found))
        {
            return null;
        }

        if (found.Id != Refused)
        {
            return found;
        }

        if (IsSignIn(logEvent))
        {
            return found with { Action = "sign_in" };
        }

        // Refusals that are part of normal use, such as the polling of a page whose session has expired, are not recorded.
        return logEvent.Level >= LogEventLevel.Warning ? found : null;
    }

    /// <summary>The return from a provider, and an app's own sign-in.</summary>
    private static bool IsSignIn(LogEvent logEvent) =>
        logEvent.Properties.TryGetValue(RequestEnricher.Path, out LogEventPropertyValue? value) && value is ScalarValue { Value: string path }
        && ((path.StartsWith("/accounts/oidc/", StringComparison.Ordinal) && path.Contains("/login/", StringComparison.Ordinal))
            || path.StartsWith("/api/auth/headless/", StringComparison.Ordinal));
}
