using Gateway.Pages;
using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Access;

/// <summary>Words each refusal of the way to Paperless. None of them reads the request's body.</summary>
internal sealed class AccessRefusals(GatewaySettings settings, PageWriter pages)
{
    /// <summary>Kestrel takes 8 KiB of request line, and the provider's way back escapes once more.</summary>
    private const int LongestNext = 2500;

    private readonly PageLink _front = new(settings.ScriptName + "/", "To Paperless");

    public Task RefuseAsync(HttpContext context, AccessDecision access) => access switch
    {
        AccessDecision.SignInFirst => SignInFirstAsync(context),
        AccessDecision.CredentialRefused => pages.RefuseAsync(context, new Refusal(
            401, "credential_refused", "This credential is not taken",
            "The API takes \"Authorization: Token …\"" + (settings.Paperless.RegularLoginDisabled ? "." : " or \"Basic\"."))
        {
            Remedy = "Use an API token of Paperless (My Profile).",
        }),
        AccessDecision.Closed => pages.RefuseAsync(context, new Refusal(404, "closed", "Closed here", ClosedDetail())
        {
            Remedy = "Sign in with single sign-on.",
            Links = [new PageLink(settings.ScriptName + "/accounts/login/", "Sign in")],
        }),
        _ => pages.RefuseAsync(context, new Refusal(404, "not_found", "Not found", "There is no such page here.") { Links = [_front] }),
    };

    public Task CrossSiteAsync(HttpContext context) => pages.RefuseAsync(context, new Refusal(
        403, "cross_site", "Not from another site",
        "This request changes something and did not come from Paperless's own pages.")
    {
        Remedy = $"Open {settings.Public.Origin} and do it there; a program uses an API token instead of cookies.",
        Links = [_front],
        ForTheLog = SourceForTheLog(context.Request),
    });

    /// <summary>What an image or a frame asks for, and only a person may do.</summary>
    public Task SignOutInBackgroundAsync(HttpContext context)
    {
        const string detail = "Nobody was signed out: an image, a frame or a script asked for it, not a person.";
        return pages.RefuseAsync(context, new Refusal(403, "sign_out_in_background", "Not in the background", detail)
        {
            Remedy = $"Open {settings.Public.Origin}{settings.ScriptName}/accounts/logout/ to sign out.",
            ForTheLog = SourceForTheLog(context.Request),
        });
    }

    /// <summary>Neither "signed in" nor "not signed in" is true: a way to the sign-in would lead in a circle.</summary>
    public Task SessionsAwayAsync(HttpContext context, SessionLookupFailed away) =>
        pages.RefuseAsync(context, StoreUnavailableRefusal.Create(context, away.Reason));

    public Task UnnamedAsync(HttpContext context) => pages.RefuseAsync(context, new Refusal(
        403, "permission_missing", "A permission is missing",
        "You are signed in with a Paperless password, but your account lacks the permission \"View UI settings\": "
        + "without it Paperless's own page does not work either.")
    {
        Remedy = "Whoever manages Paperless can grant it (Settings, Users & Groups); then open this page again, it takes up to a minute.",
        Links = [new PageLink(settings.ScriptName + "/accounts/logout/", "Sign out")],
    });

    public Task BodyAsync(HttpContext context) => pages.RefuseAsync(context, new Refusal(
        413, "body_unwanted", "Too much at once",
        "Nobody is signed in on this request, and its body is more than a form.")
    {
        Remedy = "Sign in first, or send an API token.",
    });

    /// <summary>A credential that came with a large body, which nobody has read.</summary>
    public Task CredentialAsync(HttpContext context, CredentialAnswer answer) => answer switch
    {
        CredentialAnswer.NotTaken => pages.RefuseAsync(context, new Refusal(
            401, "credential_unknown", "This credential is not taken",
            "Paperless knows no such API token or password, so the body that came with it is not taken either.")
        {
            Remedy = "Use an API token of Paperless (My Profile).",
        }),
        CredentialAnswer.Busy => pages.RefuseAsync(context, new Refusal(
            503, "credential_busy", "Too many at once",
            "Too many API tokens and passwords are being checked at this moment.")
        {
            Remedy = "Try again.",
            RetryAfter = 5,
        }),
        _ => PaperlessAwayAsync(context, ForwarderError.NoAvailableDestinations),
    };

    public Task PaperlessAwayAsync(HttpContext context, ForwarderError error)
    {
        if (error is ForwarderError.RequestBodyClient or ForwarderError.RequestBodyCanceled)
        {
            Refusal broken = new(400, "body_broken", "The upload broke off", "The request's body did not arrive whole.");
            return pages.RefuseAsync(context, broken with { Remedy = "Try again." });
        }

        // For an upload that Paperless does not take, only YARP's status tells silence from a broken connection.
        bool slow = error is ForwarderError.RequestTimedOut or ForwarderError.RequestCanceled
            || context.Response.StatusCode == StatusCodes.Status504GatewayTimeout;
        Refusal refusal = slow
            ? new Refusal(504, "paperless_slow", "Paperless takes too long", "Paperless did not answer in time.")
            {
                Remedy = "Try again; if it stays, the operator can look at Paperless's log.",
            }
            : new Refusal(502, "paperless_away", "Paperless does not answer", "The gateway works, but Paperless behind it cannot be reached.")
            {
                Remedy = "It may be starting; this page tries again by itself.",
                RetryAfter = 5,
            };
        return pages.RefuseAsync(context, refusal with { ForTheLog = error.ToString() });
    }

    /// <summary>A person is led to the sign-in and back; a script, which reloads its page on 401, and a program are told. No Basic challenge.</summary>
    private Task SignInFirstAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (CrossSiteGuard.IsSafe(request.Method) && request.IsNavigation() && !request.Path.StartsWithSegments("/ws"))
        {
            // What the request line cannot carry is not asked for again: the sign-in then leads to the front page.
            string next = Uri.EscapeDataString(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
            context.Response.Headers.CacheControl = "no-store";
            context.Response.Redirect($"{settings.ScriptName}/accounts/login/{(next.Length <= LongestNext ? "?next=" + next : "")}");
            return Task.CompletedTask;
        }

        return pages.RefuseAsync(context, new Refusal(401, "not_signed_in", "Not signed in", "Nobody is signed in on this request.")
        {
            Level = LogLevel.Information,
            Remedy = "Sign in in the browser, or send an API token.",
            Links = [new PageLink(settings.ScriptName + "/accounts/login/", "Sign in")],
        });
    }

    private string ClosedDetail() => settings.Paperless.RegularLoginDisabled
        ? "Passwords are not taken here (PAPERLESS_DISABLE_REGULAR_LOGIN)."
        : "Nobody can sign up here (PAPERLESS_ACCOUNT_ALLOW_SIGNUPS).";

    /// <summary>The headers that speak of where a request comes from; of the `Referer`, whose path may be secret, the origin alone.</summary>
    private static string SourceForTheLog(HttpRequest request) => string.Join(
        ", ",
        $"Origin {Printable(request.Headers.Origin)}",
        $"Sec-Fetch-Site {Printable(request.Headers["Sec-Fetch-Site"])}",
        $"Sec-Fetch-Dest {Printable(request.Headers["Sec-Fetch-Dest"])}",
        $"Referer {RefererOrigin(request.Headers.Referer)}");

    private static string RefererOrigin(string? referer)
    {
        if (referer is null)
        {
            return "none";
        }

        return Uri.TryCreate(referer, UriKind.Absolute, out Uri? url) ? Printable($"{url.Scheme}://{url.Authority}") : "unreadable";
    }

    /// <summary>A header's value for the log: bounded, one line.</summary>
    public static string Printable(string? value) => value is null ? "none" : new string([.. value.Where(letter => letter is > ' ' and < '\u007f').Take(200)]);
}
