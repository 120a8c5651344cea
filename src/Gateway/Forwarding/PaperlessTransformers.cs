using Gateway.Access;
using Gateway.Paperless;
using Gateway.PasswordSessions;
using Gateway.Settings;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Forwarding;

/// <summary>One transformer for each decision: the decision says which identity and which cookies a request carries to Paperless.</summary>
internal sealed class PaperlessTransformers(
    GatewaySettings settings,
    RequestHeaderFilter headers,
    PaperlessCookies cookies,
    PasswordSessionRegistry passwordSessions,
    LoginRedirectResponder loginRedirects)
{
    private readonly PaperlessTransformer[] _all =
    [
        .. Enum.GetValues<AccessDecision>()
            .Select(access => new PaperlessTransformer(settings, headers, cookies, passwordSessions, loginRedirects, access)),
    ];

    public HttpTransformer For(AccessDecision access) => _all[(int)access];
}
