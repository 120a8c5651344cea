using System.Text;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Attacks;

/// <summary>With `PAPERLESS_DISABLE_REGULAR_LOGIN`, no request makes Paperless, which would accept it, compare a password.</summary>
[Trait("Category", "Attacks")]
public sealed class RegularLoginFloodTests
{
    private const int Workers = 4;

    private const int Requests = 6_400;

    private const int Control = 800;

    private static readonly string[] Doors =
    [
        "/api/token/", "/accounts/login/", "/admin/login/", "/api/auth/headless/app/v1/auth/login", "/api/auth/headless/browser/v1/auth/login",
        "/api/auth/login/", "/accounts/signup/", "/accounts/reauthenticate/", "/api/documents/", "/api/profile/",
    ];

    private static readonly string[] Methods = ["POST", "POST", "POST", "PUT", "PATCH", "post", "Post", "GET", "DELETE", "PROPFIND"];

    private static readonly string[] Basics =
    [
        "Basic {B}", "basic {B}", "BASIC {B}", "Basic  {B}", "Basic\t{B}", " Basic {B}", "Basic {B} ", "Basic {B}, Token x", "Token x, Basic {B}",
        "Token {B}", "Bearer {B}", "Basic {B}\r\nAuthorization: Token x", "Token x\r\nAuthorization: Basic {B}",
        "Basic={B}", "Basic:{B}", "\u00a0Basic {B}", "Token\r\n Basic {B}", "Digest {B}",
    ];

    [Fact]
    public async Task With_regular_login_disabled_Paperless_compares_no_password_under_a_flood_of_sign_ins()
    {
        await using World closed = await StartAsync(regularLogin: false);
        using Visitor alice = await closed.SignedInAsync("alice");
        closed.Paperless.ForgetReceived();
        await using World open = await StartAsync(regularLogin: true);

        List<string> requests = Generated(
            closed,
            $"Cookie: {alice.Cookies.GetCookieHeader(new Uri(closed.Origin))}\r\nSec-Fetch-Site: same-origin\r\n",
            Requests);
        int answered = await SendAsync(closed, requests);
        int control = await SendAsync(open, Generated(open, "", Control));

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{requests.Count} requests with a password, {answered} answered: {closed.Paperless.Data.PasswordChecks} compared; "
            + $"{control} with regular login on: {open.Paperless.Data.PasswordChecks} compared");
        Assert.InRange(requests.Count, 6_000, int.MaxValue);
        Assert.Equal(0, closed.Paperless.Data.PasswordChecks);
        Assert.InRange(open.Paperless.Data.PasswordChecks, 20, int.MaxValue);
        Assert.DoesNotContain(
            closed.Forwarded,
            request => request.Lines("Authorization").Any(value => value.Contains("Basic", StringComparison.OrdinalIgnoreCase)));
        Assert.DoesNotContain(closed.Forwarded, request => request is { BodyLength: > 0, SignedInAs: null } && request.Lines("Authorization").Count == 0);
    }

    /// <summary>The same requests in each run.</summary>
    private static List<string> Generated(World world, string session, int count)
    {
        Random random = new(20_250_101);
        string[][] paths = [.. Doors.Select(door => PathSpellings.Of(door).Where(path => path.All(letter => letter is > ' ' and < '\u0100')).ToArray())];
        string basic = Convert.ToBase64String(Encoding.UTF8.GetBytes("admin:admin"));
        List<string> requests = [];
        for (int i = 0; i < count; i++)
        {
            // Every second one at the door itself: most of the others are refused for their path.
            string[] spellings = paths[i % paths.Length];
            string path = i / paths.Length % 2 == 0 ? Doors[i % Doors.Length] : spellings[random.Next(spellings.Length)];
            (string type, string body) = Body(random.Next(4));
            string authorization = random.Next(2) == 0
                ? $"Authorization: {Basics[random.Next(Basics.Length)].Replace("{B}", basic, StringComparison.Ordinal)}\r\n"
                : "";
            string credentials = random.Next(2) == 0 ? session : "";
            string framed = random.Next(3) == 0
                ? $"Transfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n0\r\n\r\n"
                : $"Content-Length: {body.Length}\r\n\r\n{body}";
            requests.Add($"{Methods[random.Next(Methods.Length)]} {path} HTTP/1.1\r\nHost: "
                + $"localhost:{world.Port}\r\n{authorization}{credentials}Content-Type: {type}\r\n{framed}");
        }

        return requests;
    }

    private static (string Type, string Text) Body(int kind) => kind switch
    {
        0 => ("application/json", """{"username":"admin","login":"admin","password":"admin"}"""),
        1 => ("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nadmin\r\n"
            + "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nadmin\r\n--b--\r\n"),
        2 => ("application/x-www-form-urlencoded; charset=utf-8", "username=admin&login=admin&password=admin&password1=admin&password2=admin"),
        _ => ("application/x-www-form-urlencoded", "username=admin&login=admin&password=admin"),
    };

    private static async Task<int> SendAsync(World world, List<string> requests)
    {
        int answered = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, Workers), World.Ct, async (worker, _) =>
        {
            using RawClient client = new(world.Port);
            for (int i = worker; i < requests.Count; i += Workers)
            {
                RawAnswer answer = await client.SendAsync(requests[i]);
                Interlocked.Add(ref answered, answer.Status == 0 ? 0 : 1);
            }
        });
        return answered;
    }

    private static Task<World> StartAsync(bool regularLogin) => World.StartAsync(options =>
    {
        options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = regularLogin ? "false" : "true";

        // The limit would end the flood before it reaches the doors.
        options.Settings["GATEWAY_FAILED_LOGINS"] = "off";
    });
}
