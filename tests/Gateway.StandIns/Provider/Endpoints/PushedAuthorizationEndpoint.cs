namespace Gateway.StandIns.Provider.Endpoints;

/// <summary>Takes pushed authorization requests (RFC 9126), and puts them in the place of the reference that the browser brings.</summary>
internal static class PushedAuthorizationEndpoint
{
    public const string Path = "/application/o/par/";

    private const string Reference = "request_uri";

    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost(Path, PushAsync);

    /// <summary>A request for the authorization endpoint: its parameters are those that were pushed. Others beside the reference do not count.</summary>
    public static Task ResolveAsync(HttpContext http, RequestDelegate next)
    {
        DevelopmentProvider provider = http.RequestServices.GetRequiredService<DevelopmentProvider>();
        if (http.Request.Path != AuthorizeEndpoint.Path || provider.Options.PushedRequests == PushedRequests.None)
        {
            return next(http);
        }

        string? reference = http.Request.Query[Reference];
        if (provider.PushedRequests.Find(reference) is { } pushed)
        {
            http.Items[Reference] = reference;
            http.Request.QueryString = QueryString.Create(pushed.Select(pair => KeyValuePair.Create(pair.Key, (string?)pair.Value)));
            return next(http);
        }

        return reference is not null || provider.Options.PushedRequests != PushedRequests.Offered
            ? Pages.ProviderPages.BadRequest("The authorization request must be pushed.").ExecuteAsync(http)
            : next(http);
    }

    /// <summary>The reference that the browser brought; null if it brought the request itself.</summary>
    public static string? FindReference(HttpContext http) => http.Items[Reference] as string;

    private static async Task<IResult> PushAsync(HttpContext http, DevelopmentProvider provider)
    {
        DevelopmentProviderOptions options = provider.Options;
        IFormCollection form = await http.Request.ReadFormAsync();
        if (options.PushedRequests == PushedRequests.None)
        {
            return Results.NotFound();
        }

        if (provider.TakePushError() is { } error)
        {
            return Refuse(error.Error, error.Description);
        }

        Uri endpoint = new($"{http.Request.Scheme}://{http.Request.Host}{http.Request.Path}");
        if (!ClientProof.IsValid(provider, ClientProof.Read(options, http.Request, form), endpoint))
        {
            return Refuse("invalid_client", "Client authentication failed.");
        }

        if (form["client_id"] != options.ClientId || !options.RedirectUris.Contains(form["redirect_uri"].ToString()) || form.ContainsKey(Reference))
        {
            return Refuse("invalid_request", "The pushed request is not one of this client.");
        }

        if (options.ClientScopes is { } allowed && form["scope"].ToString().Split(' ').Except(allowed).FirstOrDefault() is { } scope)
        {
            return Refuse("invalid_scope", $"The client may not have the scope {scope}.");
        }

        string[] ofClient = ["client_secret", "client_assertion", "client_assertion_type"];
        string reference = provider.PushedRequests.Add(
            form.Where(pair => !ofClient.Contains(pair.Key)).ToDictionary(pair => pair.Key, pair => pair.Value.ToString()));
        return Results.Json(new PushedAnswer(reference, 60), PushedAnswerJson.Options, statusCode: StatusCodes.Status201Created);
    }

    private static IResult Refuse(string error, string? description) =>
        Results.Json(new PushedError(error, description), PushedAnswerJson.Options, statusCode: StatusCodes.Status400BadRequest);

    private sealed record PushedAnswer(string RequestUri, int ExpiresIn);

    private sealed record PushedError(string Error, string? ErrorDescription);

    private static class PushedAnswerJson
    {
        public static readonly System.Text.Json.JsonSerializerOptions Options = new()
        {
            PropertyNamingPolicy = System.Text.Json.JsonNamingPolicy.SnakeCaseLower,
            TypeInfoResolver = new System.Text.Json.Serialization.Metadata.DefaultJsonTypeInfoResolver(),
        };
    }
}
