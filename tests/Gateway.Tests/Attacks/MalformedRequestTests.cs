using System.Net;
using System.Text;
using Gateway.Access;
using Gateway.Pages;
using Gateway.Profile;
using Gateway.Tests.Kit;
using Microsoft.AspNetCore.Components;

namespace Gateway.Tests.Attacks;

/// <summary>Malformed requests are refused with a reason in one log line, without a stack trace.</summary>
[Trait("Category", "Attacks")]
public sealed class MalformedRequestTests
{
    private const string Form = "application/x-www-form-urlencoded";

    [Theory]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n1", false)]
    [InlineData(Form + "; charset=utf-7", "a=b", false)]
    [InlineData(Form + "; charset=nope", "a=b", false)]
    [InlineData("application/json", "{}", false)]
    [InlineData("", "a=b", false)]
    [InlineData(Form, "ffffffffffffffffff\r\na=b", true)]
    [InlineData(Form, "80000000\r\na=b", true)]
    public async Task Every_form_endpoint_refuses_a_malformed_form(string type, string body, bool chunked)
    {
        await using World world = await World.StartAsync();
        foreach (GatewayEndpoint endpoint in await FormsAsync(world))
        {
            string framing = chunked ? "Transfer-Encoding: chunked" : $"Content-Length: {body.Length}";

            ExchangedAnswer answer = await PostAsync(world, endpoint, $"Content-Type: {type}\r\n{framing}\r\n\r\n{body}");

            Assert.True(answer.Status == 400, $"{endpoint.Pattern}: {answer.Status} {answer.Body}");
        }

        await HasOneLineForEachRefusalAsync(world);
    }

    [Fact]
    public async Task Every_form_endpoint_refuses_an_oversized_form()
    {
        await using World world = await World.StartAsync();
        string[] bodies =
        [
            string.Join('&', Enumerable.Range(0, 100).Select(field => $"{field}=v")),
            new string('k', 1000) + "=v",
            "a=" + new string('v', RequestForm.MaxBodyBytes),
        ];
        foreach (GatewayEndpoint endpoint in await FormsAsync(world))
        {
            foreach (string body in bodies)
            {
                ExchangedAnswer answer = await PostAsync(world, endpoint, $"Content-Type: {Form}\r\nContent-Length: {body.Length}\r\n\r\n{body}");

                Assert.True(answer.Status is 400 or 413, $"{endpoint.Pattern}: {answer.Status} {answer.Body}");
            }
        }

        await HasOneLineForEachRefusalAsync(world);
    }

    [Theory]
    [InlineData("")]
    [InlineData("xn--")]
    [InlineData("a.xn--99999999.example")]
    [InlineData("a..b")]
    [InlineData(".")]
    [InlineData("[::g]")]
    [InlineData("[::1]:70000")]
    [InlineData("localhost:70000")]
    [InlineData("localhost:")]
    [InlineData("under_score")]
    [InlineData("300")]
    public async Task A_malformed_Host_header_is_refused_on_every_path(string host)
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_ALLOWED_HOSTS"] = "*");
        host = host == "300" ? new string('a', 300) : host;
        foreach (string path in (string[])["/", "/gateway/session", "/gateway/nothing", "/accounts/login/", "/static/x.js", "/api/documents/"])
        {
            foreach (string headers in (string[])["Accept: text/html", "Accept: application/json", "Accept: text/html\r\nAuthorization: Token x"])
            {
                ExchangedAnswer answer = await SendAsync(world, $"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n\r\n");

                Assert.True((answer.Status, answer.IsWhole) == (400, true), $"{path} with {headers}: {answer.Status} {answer.Body}");
            }
        }

        Assert.Empty(world.Forwarded);
        await HasOneLineForEachRefusalAsync(world);
    }

    [Theory]
    [InlineData("xn--", 400)]
    [InlineData("a..b, localhost", 400)]
    [InlineData("", 401)]
    public async Task A_malformed_forwarded_host_of_a_trusted_proxy_is_refused(string forwarded, int status)
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_TRUSTED_PROXIES"] = "127.0.0.1, ::1");

        ExchangedAnswer answer = await SendAsync(
            world,
            $"GET /gateway/session HTTP/1.1\r\nHost: localhost:{world.Port}\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: {forwarded}\r\n\r\n");

        Assert.Equal(status, answer.Status);
        await HasOneLineForEachRefusalAsync(world);
    }

    [Fact]
    public async Task A_public_host_in_Punycode_is_accepted_and_forwarded_unchanged()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        string host = $"xn--bcher-kva.example:{world.Port}";
        world.Options.Settings["PAPERLESS_URL"] = $"http://bücher.example:{world.Port}";
        world.StartGateway();

        ExchangedAnswer page = await SendAsync(world, $"GET /gateway/session HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n\r\n");
        await SendAsync(world, $"GET /api/documents/ HTTP/1.1\r\nHost: {host}\r\nAuthorization: Token x\r\n\r\n");

        Assert.Equal(401, page.Status);
        Assert.Equal([host], Assert.Single(world.Forwarded).Lines("Host"));
        Assert.Equal([host], world.Forwarded[0].Lines("X-Forwarded-Host"));
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("LOCALHOST.:65535")]
    [InlineData("a.b-c.example:0")]
    [InlineData("192.168.1.5:8000")]
    [InlineData("999.1.1.1")]
    [InlineData("[::1]")]
    [InlineData("[::ffff:1.2.3.4]:80")]
    [InlineData("xn--bcher-kva.example")]
    [InlineData("XN--BCHER-KVA.example")]
    public void An_accepted_host_can_be_parsed_and_sent(string host)
    {
        using HttpRequestMessage request = new();

        Assert.Null(HostGuard.FindError(host));
        request.Headers.Host = host;
        Assert.False(string.IsNullOrEmpty(HostString.FromUriComponent(host).Value));
    }

    [Fact]
    public async Task An_overflowing_Content_Length_is_refused_without_a_stack_trace_in_the_log()
    {
        await using World world = await World.StartAsync();

        ExchangedAnswer answer = await SendAsync(
            world,
            $"POST /gateway/sessions/end HTTP/1.1\r\nHost: localhost:{world.Port}\r\nContent-Length: 99999999999999999999999\r\n\r\nx");

        Assert.Equal(400, answer.Status);
        await HasOneLineForEachRefusalAsync(world);
    }

    /// <summary>Kestrel does not read the rest of such a body: the next request on the connection would get no answer.</summary>
    [Theory]
    [InlineData(Form)]
    [InlineData("application/json")]
    public async Task The_answer_to_an_oversized_body_announces_that_the_connection_closes(string type)
    {
        await using World world = await World.StartAsync();
        using HttpClient client = new();
        string[] addresses = ["/accounts/oidc/authentik/logout/backchannel/", "/gateway/sessions/end", "/gateway/session"];
        foreach (string address in addresses)
        {
            using StringContent body = new(new string('x', RequestForm.MaxBodyBytes + 1), Encoding.ASCII, type);

            using HttpResponseMessage answer = await client.PostAsync(new Uri(world.Origin + address), body, World.Ct);

            Assert.True(answer.Headers.ConnectionClose, $"{address}: {answer.StatusCode}");
        }
    }

    [Fact]
    public async Task Truncated_forms_never_log_a_stack_trace()
    {
        await using World world = await World.StartAsync();
        byte[] request = Encoding.ASCII.GetBytes(
            $"POST /gateway/sessions/end HTTP/1.1\r\nHost: localhost:{world.Port}\r\nContent-Type: {Form}\r\nContent-Length: 11\r\n\r\nid=");
        for (int time = 0; time < 300; time++)
        {
            await RawExchange.SendAsync(world.Port, request, isWhole: false, isHead: false);
        }

        await HasOneLineForEachRefusalAsync(world);
    }

    [Fact]
    public async Task If_the_error_page_itself_fails_a_plain_text_answer_is_sent()
    {
        await using World world = await World.StartAsync(
            options => options.Services = services => services.AddSingleton<IComponentActivator, BrokenActivator>());
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.OpenAsync("/accounts/login/");

        Assert.Equal(HttpStatusCode.InternalServerError, page.Status);
        Assert.StartsWith("text/plain", page.Header("Content-Type"), StringComparison.Ordinal);
        Assert.DoesNotContain(BrokenActivator.Reason, page.Text, StringComparison.Ordinal);
        Assert.Contains(CapturedLog.Value(Assert.Single(world.Log.Of("RequestFailed")), "TraceId"), page.Text, StringComparison.Ordinal);
        Assert.Single(world.Log.Of("AnswerFailed"));
    }

    private static async Task<IReadOnlyList<GatewayEndpoint>> FormsAsync(World world)
    {
        GatewayEndpoint[] forms = [.. (await GatewayEndpoint.AllAsync(world))
            .Where(endpoint => endpoint.Methods.Contains("POST"))
            .Where(endpoint => endpoint.Pattern is not (ProfileRequests.DisconnectPath or PagesFeature.ProbePath))];
        Assert.True(forms.Length >= 8, "the endpoints that are sent a form were not found");
        return forms;
    }

    private static Task<ExchangedAnswer> PostAsync(World world, GatewayEndpoint endpoint, string rest) => SendAsync(
        world,
        $"POST {endpoint.Pattern.Replace("{providerId}", "authentik", StringComparison.Ordinal)} HTTP/1.1\r\n"
        + $"Host: localhost:{world.Port}\r\nOrigin: {world.Origin}\r\nSec-Fetch-Site: same-origin\r\nAccept: text/html\r\n{rest}");

    private static Task<ExchangedAnswer> SendAsync(World world, string request) =>
        RawExchange.SendAsync(world.Port, Encoding.Latin1.GetBytes(request), isWhole: true, isHead: false);

    private static async Task HasOneLineForEachRefusalAsync(World world)
    {
        IReadOnlyList<string> faults = await LogProblems.OfAsync(world);
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    private sealed class BrokenActivator : IComponentActivator
    {
        public const string Reason = "The reason that only the log tells.";

        public IComponent CreateInstance(Type componentType) => throw new InvalidOperationException(Reason);
    }
}
