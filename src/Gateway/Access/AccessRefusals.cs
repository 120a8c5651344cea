using System.Globalization;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Access;

/// <summary>Writes the refusals of requests for Paperless. None of them reads the request's body.</summary>
internal sealed class AccessRefusals(GatewaySettings settings, PageWriter pages)
{
    /// <summary>Kestrel accepts a request line of 8 KiB, and the return address is escaped a second time for the provider.</summary>
    private const int MaxNextLength = 2500;

    private readonly PageLink _frontPage = new(settings.ScriptName + "/", "To Paperless");

    public Task RefuseAsync(HttpContext context, AccessDecision access) => access switch
    {
        AccessDecision.SignInFirst => SignInFirstAsync(context),
        AccessDecision.DevicePasswordRefused => RefuseDeviceScopeAsync(context),
        AccessDecision.BearerTokenRefused => pages.RefuseAsync(context, new Refusal(
            403, "bearer_token_scope", "Not with this token", "An access token of the provider does not open this part of the API.")
        {
            Level = LogLevel.Information,
            Remedy = "It changes no password and shows no API token. Sign in in the browser for that.",
        }),
        AccessDecision.CredentialRefused => pages.RefuseAsync(context, new Refusal(
            401, "credential_refused", "Credential not accepted", "The gateway does not know this kind of credential.")
        {
            Remedy = "Use an API token of Paperless (My Profile).",
            ForTheOperator = "The API accepts \"Authorization: Token …\"" + (settings.Paperless.RegularLoginDisabled ? "." : " or \"Basic\"."),
        }),
        AccessDecision.Closed => pages.RefuseAsync(context, new Refusal(404, "closed", "Closed here", DescribeClosed())
        {
            Remedy = "Sign in with single sign-on.",
            ForTheOperator = settings.Paperless.RegularLoginDisabled ? "PAPERLESS_DISABLE_REGULAR_LOGIN is on." : "PAPERLESS_ACCOUNT_ALLOW_SIGNUPS is off.",
            Links = [new PageLink(settings.ScriptName + "/accounts/login/", "Sign in")],
        }),
        _ => pages.RefuseAsync(context, new Refusal(404, "not_found", "Not found", "This page does not exist.")
        {
            Level = LogLevel.Information,
            Links = [_frontPage],
        }),
    };

    public Task RefuseCrossSiteAsync(HttpContext context) => pages.RefuseAsync(context, new Refusal(
        403, "cross_site", "Not from another site",
        "This request changes data, but a page of Paperless did not send it.")
    {
        Remedy = $"Open {settings.Public.Origin} and repeat the action there. A program uses an API token instead of cookies.",
        Links = [_frontPage],
        ForTheOperator = DescribeSource(context.Request),
    });

    /// <summary>A sign-out by GET that an image, a frame or a script requested, not a person.</summary>
    public Task RefuseBackgroundSignOutAsync(HttpContext context)
    {
        const string detail = "The sign-out was not carried out: an image, a frame or a script requested it, not a person.";
        return pages.RefuseAsync(context, new Refusal(403, "sign_out_in_background", "Not in the background", detail)
        {
            Remedy = $"Open {settings.Public.Origin}{settings.ScriptName}/accounts/logout/ to sign out.",
            ForTheOperator = DescribeSource(context.Request),
        });
    }

    /// <summary>The session is unknown while the store is unavailable. A redirect to the sign-in page would loop.</summary>
    public Task RefuseWithoutStoreAsync(HttpContext context, SessionLookupFailed away) =>
        pages.RefuseAsync(context, StoreUnavailableRefusal.Create(context, away.Reason));

    public Task RefuseWithoutPermissionAsync(HttpContext context) => pages.RefuseAsync(context, new Refusal(
        403, "permission_missing", "A permission is missing",
        "You are signed in with a Paperless password, but your account lacks the permission \"View UI settings\": "
        + "Paperless's own pages do not work without that permission, either.")
    {
        Remedy = "An administrator of Paperless can grant it (Settings, Users & Groups). Then open this page again after a minute.",
        Links = [new PageLink(settings.ScriptName + "/accounts/logout/", "Sign out")],
    });

    public Task RefuseLargeBodyAsync(HttpContext context) => pages.RefuseAsync(context, new Refusal(
        413, "body_unwanted", "Request body too large",
        "This request has no session, and its body is larger than a form.")
    {
        Remedy = "Sign in first, or send an API token.",
    });

    /// <summary>
    /// Refuses an attempt with a password or token after too many failures: an API in the words of Django REST framework, a browser with a page. Not
    /// logged: <see cref="FailedCredentials"/> has one line for the whole block, so that an attacker does not fill the log.
    /// </summary>
    public static Task RefuseBlockedAsync(HttpContext context, TimeSpan wait)
    {
        int seconds = Math.Max((int)Math.Ceiling(wait.TotalSeconds), 1);
        if (!context.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase))
        {
            return PageWriter.WriteAsync(context, new Refusal(
                429, "too_many_failures", "Too many failed sign-ins",
                "Too many wrong passwords came from your network or for this user name.")
            {
                Remedy = seconds switch
                {
                    1 => (PageText)"Wait 1 second, and try again. Signing in without a Paperless password works at once.",
                    _ => $"Wait {seconds} seconds, and try again. Signing in without a Paperless password works at once.",
                },
                RetryAfter = seconds,
                Links = [new PageLink(context.Request.PathBase + "/accounts/login/", "Sign in")],
            });
        }

        // In the words of Django REST framework, which programs know: not translated.
        string unit = seconds == 1 ? "second" : "seconds";
        HttpResponse response = context.Response;
        response.StatusCode = StatusCodes.Status429TooManyRequests;
        response.ContentType = "application/json";
        response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        return response.WriteAsync($$"""{"detail":"Request was throttled. Expected available in {{seconds}} {{unit}}."}""", context.RequestAborted);
    }

    /// <summary>Refuses a large body that came with a credential; the body is not read.</summary>
    public Task RefuseCredentialAsync(HttpContext context, CredentialStatus status) => status switch
    {
        CredentialStatus.Rejected => pages.RefuseAsync(context, new Refusal(
            401, "credential_unknown", "Credential not accepted",
            "Paperless does not accept this API token or password, so the gateway does not accept the body, either.")
        {
            Remedy = "Use an API token of Paperless (My Profile).",
        }),
        CredentialStatus.Busy => pages.RefuseAsync(context, new Refusal(
            503, "credential_busy", "Too many requests",
            "The gateway is checking too many API tokens and passwords at the moment.")
        {
            Remedy = "Try again.",
            RetryAfter = 5,
        }),
        _ => pages.RefuseAsync(context, new Refusal(
            502, "credential_unchecked", "Credential not checked",
            "Paperless did not say whether it accepts this API token or password, so the gateway does not accept the body.")
        {
            Remedy = "Try again.",
            RetryAfter = 5,
            ForTheOperator = $"{settings.Upstreams[0].GetLeftPart(UriPartial.Authority)}{settings.ScriptName}{PaperlessPaths.Profile} gave no usable "
                + "answer: the log has the status, or the reason (CredentialUnanswered). Check that Paperless runs.",
        }),
    };

    /// <summary>A device password that is unknown, misspelt, expired or revoked, or whose owner has lost access.</summary>
    public Task RefuseDevicePasswordAsync(HttpContext context) => pages.RefuseAsync(context, new Refusal(
        401, "device_password_unknown", "Device password not accepted",
        "This device password is not known: it was revoked, it has expired, or it is misspelt.")
    {
        Remedy = $"Make a new one at {settings.Public.Origin}{settings.ScriptName}/gateway/apps.",
    });

    /// <summary>An access token of a provider that is not accepted, or whose person has no access (RFC 6750, section 3).</summary>
    public Task RefuseBearerTokenAsync(HttpContext context, Refusal refusal)
    {
        if (refusal.Status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
        }

        return pages.RefuseAsync(context, refusal);
    }

    /// <summary>The gateway has no API token of the user at the moment. The app may try again.</summary>
    public Task RefuseWithoutUserTokenAsync(HttpContext context, string reason) => pages.RefuseAsync(context, new Refusal(
        503, "user_token_missing", "Not at the moment", "Paperless gives no API token for the user of this credential.")
    {
        Remedy = "Try again in a moment.",
        RetryAfter = 5,
        ForTheOperator = Refusal.Sentences(reason, "The log of Paperless may have the reason."),
    });

    private Task RefuseDeviceScopeAsync(HttpContext context) => pages.RefuseAsync(context, new Refusal(
        403, "device_password_scope", "Not with this device password", "This device password does not open this part of the API.")
    {
        Level = LogLevel.Information,
        Remedy
            = $"A device password changes no password and shows no API token; one for uploads reads no documents. Others are made at {settings.Public.Origin}"
            + $"{settings.ScriptName}/gateway/apps.",
    });

    /// <summary>A request whose answer depends on Paperless, which did not give it.</summary>
    public Task RefuseWithoutPaperlessAsync(HttpContext context, PaperlessUnavailableException failure) =>
        pages.RefuseAsync(context, PaperlessRefusals.Forwarding(failure));

    public Task RefuseWithoutReplicaAsync(HttpContext context)
    {
        string replicas = string.Join(", ", settings.Upstreams.Select(url => url.GetLeftPart(UriPartial.Authority)));
        return RefuseWithoutPaperlessAsync(context, new PaperlessUnavailableException($"no replica is available ({replicas})", PaperlessFault.NoAnswer));
    }

    /// <param name="asked">The address at Paperless.</param>
    /// <param name="cause">Null where the forwarder names none.</param>
    public Task RefuseUnreachablePaperlessAsync(HttpContext context, ForwarderError error, string asked, Exception? cause)
    {
        if (error is ForwarderError.RequestBodyClient or ForwarderError.RequestBodyCanceled)
        {
            Refusal incomplete = new(400, "body_broken", "Upload incomplete", "The connection broke before the whole body arrived.");
            return pages.RefuseAsync(context, incomplete with { Level = LogLevel.Information, Remedy = "Try again." });
        }

        // While a body is being sent, only YARP's status code tells a timeout from a broken connection.
        bool isTimeout = error is ForwarderError.RequestTimedOut or ForwarderError.RequestCanceled
            || context.Response.StatusCode == StatusCodes.Status504GatewayTimeout;
        if (!isTimeout)
        {
            return RefuseWithoutPaperlessAsync(context, PaperlessFailureText.From(cause, isLate: false, asked));
        }

        return pages.RefuseAsync(context, new Refusal(504, "paperless_slow", "Paperless takes too long", "Paperless did not answer in time.")
        {
            Remedy = "Try again. If this message stays, ask the person who runs Paperless.",
            ForTheOperator = $"{asked} did not answer in time ({error}). Paperless's log has the reason.",
        });
    }

    /// <summary>Redirects a navigation to the sign-in page. Scripts and programs get a 401 without a Basic challenge.</summary>
    private Task SignInFirstAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (CrossSiteGuard.IsSafe(request.Method) && request.IsNavigation() && !request.Path.StartsWithSegments("/ws"))
        {
            // A target that is too long for the request line is dropped: the sign-in then leads to the front page.
            string next = Uri.EscapeDataString(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
            context.Response.Headers.CacheControl = "no-store";
            context.Response.Redirect($"{settings.ScriptName}/accounts/login/{(next.Length <= MaxNextLength ? "?next=" + next : "")}");
            return Task.CompletedTask;
        }

        return pages.RefuseAsync(context, new Refusal(401, "not_signed_in", "Not signed in", "This request has no session.")
        {
            Level = LogLevel.Information,
            Remedy = "Sign in in the browser, or send an API token.",
            Links = [new PageLink(settings.ScriptName + "/accounts/login/", "Sign in")],
        });
    }

    private PageText DescribeClosed() => settings.Paperless.RegularLoginDisabled
        ? "Signing in with a password is switched off."
        : "Signing up is switched off.";

    /// <summary>The headers that name the source of a request; of the `Referer` only the origin, because its path may be secret.</summary>
    private static string DescribeSource(HttpRequest request) => string.Join(
        ", ",
        $"Origin {ForLog(request.Headers.Origin)}",
        $"Sec-Fetch-Site {ForLog(request.Headers["Sec-Fetch-Site"])}",
        $"Sec-Fetch-Dest {ForLog(request.Headers["Sec-Fetch-Dest"])}",
        $"Referer {RefererOrigin(request.Headers.Referer)}");

    private static string RefererOrigin(string? referer)
    {
        if (referer is null)
        {
            return "none";
        }

        return Uri.TryCreate(referer, UriKind.Absolute, out Uri? url) ? ForLog($"{url.Scheme}://{url.Authority}") : "unreadable";
    }

    /// <summary>A header's value for the log: one line, at most 200 characters.</summary>
    public static string ForLog(string? value) => value is null ? "none" : new string([.. value.Where(letter => letter is > ' ' and < '\u007f').Take(200)]);
}
