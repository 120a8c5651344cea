using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Attacks;

/// <summary>No spelling of a path opens a closed path; judged by the path that Django would see.</summary>
[Trait("Category", "Attacks")]
public sealed class PathConfusionTests
{
    private const int Workers = 4;

    private static readonly string[] Doors =
    [
        "/admin/login/", "/admin/logout/", "/admin/", "/api/token/", "/api/documents/", "/api/users/", "/accounts/login/", "/accounts/logout/",
        "/accounts/signup/", "/accounts/password/reset/", "/accounts/oidc/authentik/login/",
        "/ws/status/", "/api/auth/login/", "/api/auth/logout/", "/api/auth/headless/app/v1/auth/login", "/gateway/session", "/share/abc/",
        "/static/base.css", "/favicon.ico", "/dashboard",
    ];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task No_spelling_of_a_path_opens_a_closed_path_without_a_session(bool regularLogin)
    {
        await using World world = await StartAsync(regularLogin);

        (int sent, IReadOnlyList<ReceivedRequest> received) = await AskAsync(world, ["GET", "POST"], "");

        Assert.All(received, request => Assert.True(IsOpenToStrangers(request, regularLogin), $"{request} was taken for {request.Route}"));
        Assert.All(received, request => Assert.Null(request.SignedInAs));
        Assert.All(received, request => Assert.Empty(request.Lines("Remote-User").Concat(request.Lines("Authorization"))));
        Assert.Contains(received, request => request.Route == "share");
        Assert.Contains(received, request => request is { Method: "GET", Route: "api:/api/token/" });
        Assert.Equal(regularLogin, received.Any(request => request.Route == "admin:login/"));
        Assert.Equal(regularLogin, received.Any(request => request is { Method: "POST", Route: "api:/api/token/" }));
        Assert.Equal(regularLogin, received.Any(request => request.Route == "accounts:/accounts/login/"));
        Say(regularLogin, "without a session", sent, received);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task No_spelling_of_a_path_reaches_a_password_page_or_the_logout_of_Paperless_on_a_session(bool regularLogin)
    {
        await using World world = await StartAsync(regularLogin);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.ForgetReceived();

        // Without the addresses that would end the session: they are the gateway's own, and another test's.
        string credentials = $"Cookie: {alice.Cookies.GetCookieHeader(new Uri(world.Origin))}\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n";
        (int sent, IReadOnlyList<ReceivedRequest> received) = await AskAsync(world, ["POST", "GET"], credentials, sameOrigin: "POST");

        Assert.All(received, request => Assert.False(IsSignOut(request), $"{request} was taken for {request.Route}"));
        Assert.All(received, request => Assert.True(regularLogin || !IsForPasswords(request), $"{request} was taken for {request.Route}"));
        Assert.All(received, request => Assert.False(IsTheGateways(request), $"{request} is the gateway's own"));
        Assert.All(received, request => Assert.Contains(request.SignedInAs, new[] { "alice", null }));
        Assert.Contains(received, request => request is { SignedInAs: "alice", RawPath: "/dashboard" });
        Say(regularLogin, "on a session", sent, received);
    }

    private static bool IsOpenToStrangers(ReceivedRequest request, bool regularLogin)
    {
        if (IsSignOut(request) || IsTheGateways(request) || request.Path.StartsWith("/ws/", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        if (!regularLogin && IsForPasswords(request))
        {
            return false;
        }

        bool reads = request.Method is "GET" or "HEAD";
        return request.Route switch
        {
            null => reads,

            // Django finds a share link below any path; its name alone opens it, for everybody.
            "share" => true,
            "admin:login/" => request.Path == "/admin/login/",
            "api:/api/token/" => true,
            _ when request.Route.StartsWith("accounts:", StringComparison.Ordinal) => regularLogin
                && !request.Route.Contains("signup", StringComparison.Ordinal),

            // What is no page of Django's is the app's, which sends whoever is not signed in to the sign-in.
            _ => request.Status is 302 or 403 or 404 or 405 || request.Route is "page:/favicon.ico",
        };
    }

    private static bool IsForPasswords(ReceivedRequest request) => request.Route switch
    {
        null => false,
        "api:/api/token/" => request.Method == "POST",
        "admin:login/" => true,
        _ => request.Route.StartsWith("accounts:", StringComparison.Ordinal)
            || (request.Route.StartsWith("headless:", StringComparison.Ordinal) && request.Method == "POST"),
    };

    private static bool IsSignOut(ReceivedRequest request) => request.Route is "admin:logout/" or "accounts:/accounts/logout/" or "page:/api/auth/logout/";

    private static bool IsTheGateways(ReceivedRequest request) =>
        request.Path.StartsWith("/gateway/", StringComparison.OrdinalIgnoreCase)
        || request.Path.StartsWith("/accounts/oidc/", StringComparison.OrdinalIgnoreCase);

    /// <param name="sameOrigin">The method that is sent as from Paperless's own page.</param>
    private static async Task<(int Sent, IReadOnlyList<ReceivedRequest> Received)> AskAsync(
        World world,
        string[] methods,
        string credentials,
        string? sameOrigin = null)
    {
        string[] paths = [.. Doors.SelectMany(PathSpellings.Of).Where(IsSendable).Distinct()];
        (string Method, string Path)[] requests = [.. methods.SelectMany(method => paths.Select(path => (method, path)))];
        await Parallel.ForEachAsync(Enumerable.Range(0, Workers), World.Ct, async (worker, _) =>
        {
            using RawClient client = new(world.Port);
            for (int i = worker; i < requests.Length; i += Workers)
            {
                (string method, string path) = requests[i];
                bool endsTheSession = Uri.UnescapeDataString(Uri.UnescapeDataString(path)).Contains("logout", StringComparison.OrdinalIgnoreCase);
                string site = method == sameOrigin && !endsTheSession
                    ? credentials.Replace("cross-site", "same-origin", StringComparison.Ordinal)
                    : credentials;
                string body = method == "POST" ? "Content-Length: 5\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nx=y&z" : "\r\n";
                await client.SendAsync($"{method} {path} HTTP/1.1\r\nHost: localhost:{world.Port}\r\nX-Case: {i}\r\n{site}{body}");
            }
        });
        return (requests.Length, [.. world.Forwarded.Where(request => request.Header("X-Case") is not null)]);
    }

    private static bool IsSendable(string path) => path.All(letter => letter is > ' ' and < '\u0100');

    private static void Say(bool regularLogin, string how, int sent, IReadOnlyList<ReceivedRequest> received)
    {
        Assert.InRange(sent, 5_000, int.MaxValue);
        TestContext.Current.TestOutputHelper?
            .WriteLine($"{sent} paths {how}, regular login {(regularLogin ? "on" : "off")}: {received.Count} reached Paperless");
    }

    private static Task<World> StartAsync(bool regularLogin) => World.StartAsync(options =>
        options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = regularLogin ? "false" : "true");
}
