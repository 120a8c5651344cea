using System.Net;
using System.Net.WebSockets;
using System.Text.RegularExpressions;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Serilog.Events;

namespace Gateway.Tests.ReverseProxies;

/// <summary>The gateway behind real reverse proxies: as docs/reverse-proxies.md configures them, by their defaults, and with common mistakes.</summary>
[Needs(RealPart.Nginx, RealPart.HAProxy, RealPart.Caddy, RealPart.Apache)]
public sealed class ReverseProxyTests
{
    private const string NginxHost = "proxy_set_header Host $http_host;";
    private const string HAProxyHost = "option forwardfor";
    private const string CaddyUpstream = "reverse_proxy 127.0.0.1:";

    /// <summary>What an operator changes in the documented lines, and the host that then arrives at the gateway.</summary>
    public static TheoryData<RealPart, string, string, string> Mistakes => new()
    {
        // The port is dropped.
        { RealPart.Nginx, NginxHost, "proxy_set_header Host $host;", "localhost" },
        { RealPart.HAProxy, HAProxyHost, HAProxyHost + "\n    http-request set-header Host %[req.hdr(host),field(1,:)]", "localhost" },
        { RealPart.Caddy, CaddyUpstream, "header_up Host {host}\nheader_up -X-Forwarded-Host", "localhost" },

        // The proxy sends a host of its own, as nginx does by default.
        { RealPart.Nginx, NginxHost, "", "127.0.0.1:{gateway}" },
        { RealPart.HAProxy, HAProxyHost, HAProxyHost + "\n    http-request set-header Host gateway.internal", "gateway.internal" },
        { RealPart.Caddy, CaddyUpstream, "header_up Host {upstream_hostport}\nheader_up -X-Forwarded-Host", "127.0.0.1:{gateway}" },

        // The port of plain HTTP, as behind another proxy that has the certificate.
        { RealPart.Nginx, NginxHost, "proxy_set_header Host $host:80;", "localhost:80" },
        { RealPart.HAProxy, HAProxyHost, HAProxyHost + "\n    http-request set-header Host localhost:80", "localhost:80" },
        { RealPart.Caddy, CaddyUpstream, "header_up Host localhost:80\nheader_up -X-Forwarded-Host", "localhost:80" },
    };

    /// <summary>Mistakes that do no harm: the gateway takes the scheme from `PAPERLESS_URL`, and the host from a trusted proxy's header.</summary>
    public static TheoryData<RealPart, string, string> HarmlessMistakes => new()
    {
        { RealPart.Nginx, NginxHost, NginxHost + " proxy_set_header X-Forwarded-Proto http;" },
        { RealPart.HAProxy, HAProxyHost, HAProxyHost + "\n    http-request set-header X-Forwarded-Proto http" },
        { RealPart.Caddy, CaddyUpstream, "header_up X-Forwarded-Proto http" },
        { RealPart.Caddy, CaddyUpstream, "header_up -X-Forwarded-Proto" },
        { RealPart.Caddy, CaddyUpstream, "header_up Host {upstream_hostport}" },
    };

    [Theory]
    [InlineData(RealPart.Nginx)]
    [InlineData(RealPart.HAProxy)]
    [InlineData(RealPart.Caddy)]
    [InlineData(RealPart.Apache)]
    public async Task Through_the_documented_configuration_sign_in_upload_live_status_and_sign_out_work(RealPart part)
    {
        await using ProxiedWorld proxied = await ProxiedWorld.StartAsync(part);
        World world = proxied.World;
        using Visitor alice = proxied.NewVisitor();

        Page page = await alice.SignInAsync("alice", "/documents/2");
        Assert.Equal((HttpStatusCode.OK, world.Origin + "/documents/2"), (page.Status, page.Address.AbsoluteUri));
        Assert.Equal(["alice"], world.Forwarded[^1].Lines("Remote-User"));
        Assert.Equal(["127.0.0.1"], world.Forwarded[^1].Lines("X-Forwarded-For"));

        using MultipartFormDataContent form = new() { { new ByteArrayContent(new byte[5 << 20]), "document", "five-megabytes.pdf" } };
        Page upload = await alice.FetchAsync(HttpMethod.Post, "/api/documents/post_document/", form);
        Assert.Equal(HttpStatusCode.OK, upload.Status);
        Assert.Equal(5 << 20, Assert.Single(world.Paperless.Data.Uploads).Length);

        using ClientWebSocket socket = new();
        socket.Options.SetRequestHeader("Origin", world.Origin);
        await socket.ConnectAsync(new Uri(world.Origin.Replace("https:", "wss:", StringComparison.Ordinal) + "/ws/status/"), alice.Http, World.Ct);
        Assert.Equal(WebSocketState.Open, socket.State);

        Page signedOut = await alice.NavigateAsync("/accounts/logout/", "same-origin");
        Assert.Equal((HttpStatusCode.OK, "/accounts/login/?loggedout=1"), (signedOut.Status, signedOut.Address.PathAndQuery.Split('&')[0]));
        Assert.Empty(world.Provider.Sessions);
        Assert.Null(await alice.WhoAsync());
    }

    [Theory]
    [InlineData(RealPart.Nginx)]
    [InlineData(RealPart.HAProxy)]
    [InlineData(RealPart.Caddy)]
    [InlineData(RealPart.Apache)]
    public async Task Through_the_documented_configuration_HTTP2_works(RealPart part)
    {
        await using ProxiedWorld proxied = await ProxiedWorld.StartAsync(part);
        using Visitor alice = proxied.NewVisitor(HttpVersion.Version20);

        await alice.SignInAsync("alice");
        Page profile = await alice.FetchAsync("/api/profile/");

        Assert.Equal((HttpVersion.Version20, HttpStatusCode.OK), (profile.Response.Version, profile.Status));
    }

    [Theory]
    [InlineData(RealPart.Nginx)]
    [InlineData(RealPart.HAProxy)]
    [InlineData(RealPart.Caddy)]
    [InlineData(RealPart.Apache)]
    public async Task Through_the_documented_configuration_headers_of_15_KiB_arrive_both_ways(RealPart part)
    {
        await using ProxiedWorld proxied = await ProxiedWorld.StartAsync(part);
        using Visitor alice = proxied.NewVisitor();
        await alice.SignInAsync("alice");
        string header = new('x', 15 << 10);
        using Fault answer = proxied.World.Paperless.Faults.Write(request => request.Path == "/api/documents/", async response =>
        {
            response.Headers["X-Answer"] = header;
            await response.WriteAsync("[]");
        });

        Page page = await alice.FetchAsync(HttpMethod.Get, "/api/documents/", null, ("X-Request", header));

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal([header], proxied.World.Forwarded[^1].Lines("X-Request"));
        Assert.Equal([header], page.Response.Headers.GetValues("X-Answer"));
    }

    [Theory]
    [InlineData(RealPart.Nginx)]
    [InlineData(RealPart.HAProxy)]
    [InlineData(RealPart.Caddy)]
    [InlineData(RealPart.Apache)]
    public async Task Through_the_documented_configuration_the_beginning_of_an_answer_arrives_before_its_end(RealPart part)
    {
        await using ProxiedWorld proxied = await ProxiedWorld.StartAsync(part);
        using Visitor alice = proxied.NewVisitor();
        await alice.SignInAsync("alice");
        TaskCompletionSource rest = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using Fault answer = proxied.World.Paperless.Faults.Write(request => request.Path == "/api/documents/", async response =>
        {
            await response.WriteAsync("beginning");
            await response.Body.FlushAsync();
            await rest.Task.InTimeAsync("The browser has the beginning.");
        });

        using HttpRequestMessage request = new(HttpMethod.Get, proxied.World.Origin + "/api/documents/");
        using HttpResponseMessage response = await alice.Http
            .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, World.Ct)
            .InTimeAsync("The head of the answer arrives.");
        await using Stream body = await response.Content.ReadAsStreamAsync(World.Ct);
        byte[] beginning = new byte["beginning".Length];
        await body.ReadExactlyAsync(beginning, World.Ct).AsTask().InTimeAsync("The beginning of the answer arrives.");
        rest.SetResult();

        Assert.Equal("beginning"u8.ToArray(), beginning);
    }

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task A_proxy_that_changes_the_host_leads_to_one_redirect_then_a_page_with_both_addresses_and_one_warning(
        RealPart part,
        string documented,
        string changed,
        string received)
    {
        await using ProxiedWorld proxied = await ProxiedWorld.StartAsync(part, text => Change(text, documented, changed));
        World world = proxied.World;
        using Visitor visitor = proxied.NewVisitor();
        using Visitor another = proxied.NewVisitor();

        Page page = await visitor.NavigateAsync("/documents/2?a=%2F");
        Page other = await another.NavigateAsync("/");

        Assert.All((Page[])[page, other], one => Assert.Equal((HttpStatusCode.MisdirectedRequest, 2), (one.Status, one.Trail.Count)));
        string host = received.Replace("{gateway}", $"{world.Port}", StringComparison.Ordinal);
        string reason = CapturedLog.Value(Assert.Single(world.Log.Events, entry => entry.Level >= LogEventLevel.Warning), "Reason");
        Assert.All((string[])[page.Text, reason], text =>
        {
            Assert.Contains(world.Origin, text, StringComparison.Ordinal);
            Assert.Matches($"arrive as https?://{Regex.Escape(host)}[.,]", text);
        });
        Assert.Empty(world.Forwarded);
    }

    [Theory]
    [MemberData(nameof(HarmlessMistakes))]
    public async Task Sign_in_works_through_a_proxy_with_a_harmless_mistake(RealPart part, string documented, string changed)
    {
        await using ProxiedWorld proxied = await ProxiedWorld.StartAsync(part, text => Change(text, documented, changed));
        using Visitor alice = proxied.NewVisitor();

        Page page = await alice.SignInAsync("alice", "/documents/2");

        Assert.Equal((HttpStatusCode.OK, proxied.World.Origin + "/documents/2"), (page.Status, page.Address.AbsoluteUri));
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task With_http_in_PAPERLESS_URL_a_proxy_that_redirects_to_https_leads_to_the_page_with_both_addresses()
    {
        int plain = World.FreePort();
        await using ProxiedWorld proxied = await ProxiedWorld.StartAsync(
            RealPart.Nginx,
            text => Change(text, "server {", $"server {{ listen 127.0.0.1:{plain}; return 302 https://localhost:{SecurePort(text)}$request_uri; }} server {{"),
            options => options.PublicUrl = $"http://localhost:{plain}");
        using Visitor visitor = proxied.NewVisitor();

        Page page = await visitor.NavigateAsync($"https://localhost:{proxied.Proxy.Port}/documents/2");

        // To the gateway, to the plain address, from there to https again, and the page.
        Assert.Equal((HttpStatusCode.MisdirectedRequest, 3), (page.Status, page.Trail.Count));
        Assert.Contains(proxied.World.Origin, page.Text, StringComparison.Ordinal);
        Assert.Contains($"localhost:{proxied.Proxy.Port}", page.Text, StringComparison.Ordinal);
    }

    private static string SecurePort(string configuration) => configuration.Split("listen 127.0.0.1:")[1].Split(' ')[0];

    /// <summary>Caddy's directive gets a block, which begins at the end of its line.</summary>
    private static string Change(string configuration, string documented, string changed)
    {
        Assert.Contains(documented, configuration, StringComparison.Ordinal);
        if (documented != CaddyUpstream)
        {
            return configuration.Replace(documented, changed, StringComparison.Ordinal);
        }

        int end = configuration.IndexOf('\n', configuration.IndexOf(documented, StringComparison.Ordinal));
        return configuration.Insert(end, $" {{\n{changed}\n}}");
    }
}
