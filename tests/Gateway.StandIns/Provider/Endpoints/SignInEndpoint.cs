using Gateway.StandIns.Provider.Pages;

namespace Gateway.StandIns.Provider.Endpoints;

/// <summary>The sign-in page: a button for each person. <c>?person=alice</c> presses it, for clients without a browser.</summary>
internal static class SignInEndpoint
{
    public const string Path = "/if/flow/default-authentication-flow/";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/", (DevelopmentProvider provider, HttpRequest request) =>
            ProviderPages.Start(provider.ActiveSessions.Find(request)));
        routes.MapGet(Path, (DevelopmentProvider provider, HttpContext http, string? person, string? next) =>
            (person ?? provider.SignsInAs) is { } username
                ? SignIn(provider, http, username, next)
                : ProviderPages.SignIn(provider, Local(next)));
        routes.MapPost(Path, async (DevelopmentProvider provider, HttpContext http) =>
        {
            IFormCollection form = await http.Request.ReadFormAsync();
            return SignIn(provider, http, form["person"], (string?)form["next"] ?? http.Request.Query["next"]);
        });
    }

    public static string UrlFor(string next) => Path + QueryString.Create("next", next);

    private static IResult SignIn(DevelopmentProvider provider, HttpContext http, string? username, string? next)
    {
        if (provider.Find(username) is not { IsActive: true } person)
        {
            return ProviderPages.BadRequest($"There is no active account “{username}”.");
        }

        provider.ActiveSessions.Start(http, person);
        return Results.LocalRedirect(Local(next));
    }

    private static string Local(string? next) =>
        next is ['/', ..] && !next.StartsWith("//", StringComparison.Ordinal) && !next.Contains('\\') ? next : "/";
}
