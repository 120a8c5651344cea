namespace Gateway.StandIns.Paperless;

/// <summary>django-cors-headers, as Paperless sets it up. The real one adds `Vary: Origin` to requests without an `Origin`, too.</summary>
internal static class Cors
{
    private const string Headers = "accept, authorization, content-type, user-agent, x-csrftoken, x-requested-with";

    private const string Methods = "DELETE, GET, OPTIONS, PATCH, POST, PUT";

    /// <returns>True for a preflight request, which no view sees.</returns>
    public static bool Answer(Visit visit)
    {
        if (visit.Header("Origin") is not { } origin)
        {
            return false;
        }

        IHeaderDictionary headers = visit.Http.Response.Headers;
        bool isOptions = visit.Method == "OPTIONS";
        headers.Append("Vary", "origin");
        headers.AccessControlAllowCredentials = "true";
        if (visit.Site.Options.CorsOrigins.Contains(origin))
        {
            headers.AccessControlAllowOrigin = origin;
            headers.AccessControlExposeHeaders = "Content-Disposition";
            if (isOptions)
            {
                headers.AccessControlAllowHeaders = Headers;
                headers.AccessControlAllowMethods = Methods;
                headers.AccessControlMaxAge = "86400";
            }
        }

        return isOptions && visit.Header("Access-Control-Request-Method") is not null;
    }
}
