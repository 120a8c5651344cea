using Gateway.Access;
using Gateway.Paperless;
using Gateway.PasswordSessions;
using Gateway.Settings;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Forwarding;

/// <summary>The transformers of all access decisions: a decision says which identity and which cookies a request carries to Paperless.</summary>
internal sealed class PaperlessTransformers(
    GatewaySettings settings,
    RequestHeaderFilter headers,
    PaperlessCookies cookies,
    PasswordSessionRegistry passwordSessions,
    LoginRedirectResponder loginRedirects,
    AppTokens appTokens)
{
    private readonly PaperlessTransformer[] _forRequests = Create(settings, headers, cookies, passwordSessions, loginRedirects, appTokens, isSocket: false);
    private readonly PaperlessTransformer[] _forSockets = Create(settings, headers, cookies, passwordSessions, loginRedirects, appTokens, isSocket: true);

    public HttpTransformer For(AccessDecision access) => _forRequests[(int)access];

    public HttpTransformer ForSocket(AccessDecision access) => _forSockets[(int)access];

    private static PaperlessTransformer[] Create(
        GatewaySettings settings,
        RequestHeaderFilter headers,
        PaperlessCookies cookies,
        PasswordSessionRegistry passwordSessions,
        LoginRedirectResponder loginRedirects,
        AppTokens appTokens,
        bool isSocket) =>
    [
        .. Enum.GetValues<AccessDecision>()
            .Select(access => new PaperlessTransformer(settings, headers, cookies, passwordSessions, loginRedirects, appTokens, access, isSocket)),
    ];
}
