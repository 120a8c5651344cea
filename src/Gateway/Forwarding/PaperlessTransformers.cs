using Gateway.Access;
using Gateway.Paperless;
using Gateway.PasswordSessions;
using Gateway.Settings;
using Gateway.StaticCache;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Forwarding;

/// <summary>The transformers of all access decisions: a decision says which identity and which cookies a request carries to Paperless.</summary>
internal sealed class PaperlessTransformers(
    GatewaySettings settings,
    RequestHeaderFilter headers,
    PaperlessCookies cookies,
    PasswordSessionRegistry passwordSessions,
    LoginRedirectResponder loginRedirects,
    AppTokens appTokens,
    CredentialAttempts credentials,
    PaperlessVersion version)
{
    private static readonly AccessDecision[] Decisions = Enum.GetValues<AccessDecision>();

    private readonly PaperlessTransformer[] _forRequests =
    [
        .. Decisions.Select(access => new PaperlessTransformer(
            settings, headers, cookies, passwordSessions, loginRedirects, appTokens, credentials, version, access, isSocket: false)),
    ];

    private readonly PaperlessTransformer[] _forSockets =
    [
        .. Decisions.Select(access => new PaperlessTransformer(
            settings, headers, cookies, passwordSessions, loginRedirects, appTokens, credentials, version, access, isSocket: true)),
    ];

    public HttpTransformer For(AccessDecision access) => _forRequests[(int)access];

    public HttpTransformer ForSocket(AccessDecision access) => _forSockets[(int)access];
}
