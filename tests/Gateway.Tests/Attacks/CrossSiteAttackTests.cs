using System.Net;
using System.Text;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Gateway.Tests.PasswordSessions;

namespace Gateway.Tests.Attacks;

/// <summary>A large table of requests that a page of another site, or of the gateway's own origin, can make a signed-in browser send.</summary>
[Trait("Category", "Attacks")]
public sealed class CrossSiteAttackTests(SharedWorld shared) : IClassFixture<SharedWorld>
{
    private const int FewestAttacks = 690;

    private World World => shared.World;

    [Fact]
    public async Task Cross_site_requests_change_nothing_on_a_single_sign_on_session()
    {
        using Visitor alice = await World.SignedInAsync("alice");

        await JudgeAllAsync(alice);
    }

    [Fact]
    public async Task Cross_site_requests_change_nothing_on_a_password_session()
    {
        using Visitor alice = await World.SignedInWithPasswordAsync("alice");

        await JudgeAllAsync(alice);
    }

    /// <summary>The genuine ones that end or begin something, so that what holds them back elsewhere is not that they never work.</summary>
    [Fact]
    public async Task Same_origin_requests_of_a_signed_in_person_work()
    {
        using Visitor ends = await World.SignedInAsync("alice");
        Assert.Equal(HttpStatusCode.SeeOther, (await ends.OpenAsync("/accounts/logout/", "same-origin")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await ends.FetchAsync("/gateway/session")).Status);

        // Somebody else: the clock stands still, and what signs in at the time of that end is ended, too.
        using Visitor everywhere = await World.SignedInAsync("bob");
        Page all = await everywhere.FetchAsync(HttpMethod.Post, "/gateway/sessions/end-all", new FormUrlEncodedContent([]));
        Assert.Equal(HttpStatusCode.SeeOther, all.Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await everywhere.FetchAsync("/gateway/session")).Status);

        using Visitor connects = await World.SignedInAsync("alice");
        Page connect = await connects.OpenAsync("/accounts/oidc/authentik/login/?process=connect", "same-origin");
        Assert.Equal((HttpStatusCode.Redirect, World.Provider.Address.Authority), (connect.Status, connect.Location?.Authority));

        using RawConnection socket = await RawConnection.OpenAsync(World.Port);
        await socket.SendAsync($"GET /ws/status/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nCookie: "
            + $"{connects.Cookies.GetCookieHeader(new Uri(World.Origin))}\r\nOrigin: {World.Origin}\r\nSec-Fetch-Site: same-origin\r\nConnection: "
            + "Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 101 ", await socket.ReadHeadAsync(), StringComparison.Ordinal);
    }

    private async Task JudgeAllAsync(Visitor visitor)
    {
        // Paperless's own judgement of a request is not asked for: a genuine DELETE would take the document away from the next row.
        using Fault answers = World.Paperless.Faults
            .Answer(request => World.Forwarded.Contains(request) && !request.RawPath.EndsWith("/api/documents/", StringComparison.Ordinal), 200, "{}");
        CrossSiteVector[] vectors = [.. CrossSiteVectors.All(World.Origin)];
        string cookies = visitor.Cookies.GetCookieHeader(new Uri(World.Origin));
        List<string> wrong = [];
        foreach (CrossSiteVector vector in vectors)
        {
            World.Paperless.ForgetReceived();
            if (await WrongAsync(visitor, vector) is { } fault)
            {
                wrong.Add($"{vector}: {fault}");
            }
        }

        int attacks = vectors.Count(vector => vector.Verdict == Verdict.Nothing);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{vectors.Length} requests: {attacks} attacks of which none may do anything, {vectors.Count(vector => vector.Verdict == Verdict.Passes)} "
                + $"that pass, {vectors.Count(vector => vector.Verdict == Verdict.AsNobody)} as nobody's.");
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {vectors.Length}:\n{string.Join('\n', wrong.Take(20))}");
        Assert.True(attacks >= FewestAttacks, $"{attacks} attacks");
        Assert.Equal(vectors.Length, vectors.Select(vector => vector.ToString()).Distinct().Count());
        Assert.Equal(HttpStatusCode.OK, (await visitor.FetchAsync("/api/documents/")).Status);
        Assert.Equal(cookies, visitor.Cookies.GetCookieHeader(new Uri(World.Origin)));
    }

    private async Task<string?> WrongAsync(Visitor visitor, CrossSiteVector vector)
    {
        // A handshake that is answered with 101 would not end by itself.
        Page page = await visitor.SendAsync(new HttpMethod(vector.Method), vector.Path, Body(vector.ContentType), [.. vector.Headers]);
        if (page.Response.Headers.Any(header => header.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase)))
        {
            return "another site may read the answer";
        }

        ReceivedRequest[] reached = [.. World.Forwarded];
        switch (vector.Verdict)
        {
            case Verdict.Passes when reached.Length == 0 || reached.Any(request => request.Method != vector.Method || request.Headers
                .Any(line => line.Key.Contains("Method", StringComparison.OrdinalIgnoreCase) && line.Key.StartsWith("X-", StringComparison.OrdinalIgnoreCase))):
                return $"it did not reach Paperless as it is ({(int)page.Status})";

            case Verdict.AsNobody when reached.Any(request => request.Header("Cookie") is not null || request.Header("Remote-User") is not null):
                return "it reached Paperless as the person's";

            case Verdict.Nothing when reached.Length > 0:
                return $"it reached Paperless as {reached[0].Method} {reached[0].RawTarget}";

            case Verdict.Nothing when !IsRefusedOrAsked(page):
                return $"{(int)page.Status} to {page.Location}";

            case Verdict.Nothing when page.SetCookies.Count > 0:
                return "it changed a cookie";

            default:
                return null;
        }
    }

    /// <summary>400 is the choice of a user name, which has a form of its own to compare with; 404 an endpoint that does not take the method.</summary>
    private static bool IsRefusedOrAsked(Page page) =>
        page.Status is HttpStatusCode.Forbidden or HttpStatusCode.BadRequest or HttpStatusCode.Unauthorized
        || (page.Status == HttpStatusCode.OK
            && (page.Text.Contains("<h1>Sign out?</h1>", StringComparison.Ordinal) || page.Response.RequestMessage!.Method == HttpMethod.Head));

    private static HttpContent? Body(string? contentType) => contentType switch
    {
        null => null,
        "multipart/form-data" => new MultipartFormDataContent { { new StringContent("GET"), "_method" } },
        "application/json" => new StringContent("{\"_method\":\"GET\"}", Encoding.UTF8, contentType),
        _ => new StringContent("_method=GET&username=mallory", Encoding.UTF8, contentType),
    };
}
