using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using Gateway.Checks;
using Gateway.Settings;
using Gateway.Tests.Kit;
using Gateway.Tests.ReverseProxies;

namespace Gateway.Tests.Checks;

/// <summary>The check of the public address: what arrives at the gateway of a request to `PAPERLESS_URL`, with a proxy in front that makes a mistake.</summary>
public sealed class PublicAddressTests
{
    [Fact]
    public async Task A_public_address_that_leads_to_this_gateway_is_good()
    {
        await using World world = await World.StartAsync();

        Finding[] findings = await FindingsAsync(world);

        Assert.All(findings, finding => Assert.Equal(FindingLevel.Good, finding.Level));
        Assert.Equal(
            [
                "requests arrive at this gateway, with the right host", "a body of 1.5 MiB arrives", "they arrive as they are written",
                "they are passed on",
            ],
            findings.Select(finding => finding.Seen));
    }

    [Fact]
    public async Task Below_a_script_name_the_public_address_is_good_as_well()
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/docs");

        Assert.All(await FindingsAsync(world), finding => Assert.Equal(FindingLevel.Good, finding.Level));
    }

    [Theory]
    [InlineData(nameof(Front.OtherHost), FindingLevel.Problem, "another Host header", "proxy_set_header Host $http_host")]
    [InlineData(nameof(Front.OtherProgram), FindingLevel.Problem, "another program answers there", "pass every path on to the gateway")]
    [InlineData(nameof(Front.OtherAddress), FindingLevel.Problem, "a redirect to https://docs.home", "Set PAPERLESS_URL")]
    [InlineData(nameof(Front.LoginProxy), FindingLevel.Problem, "a redirect to http://localhost:", "such as a login proxy")]
    [InlineData(nameof(Front.Paperless), FindingLevel.Problem, "Paperless itself answers there", "let nothing else reach Paperless")]
    [InlineData(nameof(Front.BadGateway), FindingLevel.Problem, "answers 502", "Correct the gateway's address")]
    [InlineData(nameof(Front.OtherGateway), FindingLevel.Problem, "another gateway answers there", "stop the other one")]
    [InlineData(nameof(Front.SmallBodies), FindingLevel.Problem, "refuses a body of 1.5 MiB (413)", "client_max_body_size 0")]
    [InlineData(nameof(Front.HeldBack), FindingLevel.Warning, "holds an answer back until it is complete", "proxy_buffering off")]
    [InlineData(nameof(Front.NoSockets), FindingLevel.Warning, "does not pass them on", "Upgrade")]
    public async Task A_proxy_in_front_that_makes_a_mistake_is_named_with_the_remedy(string front, object level, string seen, string remedy)
    {
        await using ProxyWithMistake proxy = await ProxyWithMistake.StartAsync(Enum.Parse<Front>(front));
        await using World world = await World.StartAsync(options => options.PublicUrl = proxy.Address);
        proxy.Gateway = $"http://127.0.0.1:{world.Port}";

        (int exitCode, string[] lines) = await CommandAsync(world);

        string mark = level.Equals(FindingLevel.Problem) ? "✘ public address" : "! public address";
        Assert.Equal(level.Equals(FindingLevel.Problem) ? 1 : 2, exitCode);
        Assert.Contains(
            lines,
            line => line.StartsWith(mark, StringComparison.Ordinal)
                && line.Contains(seen, StringComparison.Ordinal)
                && line.Contains(remedy, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_public_address_that_does_not_answer_is_a_warning_because_the_network_may_not_lead_there()
    {
        await using World world = await World.StartAsync(options => options.PublicUrl = $"http://localhost:{World.FreePort()}");

        Finding finding = Assert.Single(await FindingsAsync(world));

        Assert.Equal(FindingLevel.Warning, finding.Level);
        Assert.Contains("the gateway cannot ask it", finding.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Before_the_first_start_a_command_says_that_no_gateway_answers_there_yet()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);

        CheckReport report = await CheckTests.RunAsync(world.Settings());

        Finding finding = report.Findings.Single(one => one.Subject == $"public address {world.Origin}");
        Assert.Equal(FindingLevel.Warning, finding.Level);
        Assert.Contains("no gateway answers there yet", finding.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_knows_the_number_of_the_gateway_beside_it()
    {
        await using World world = await World.StartAsync();
        Dictionary<string, string?> settings = world.Settings();
        settings["GATEWAY_MANAGEMENT_URL"] = world.Gateway.Management.GetLeftPart(UriPartial.Authority);

        CheckReport report = await CheckTests.RunAsync(settings);

        Finding finding = report.Findings.Single(one => one.Subject == $"public address {world.Origin}");
        Assert.Equal("requests arrive at this gateway, with the right host", finding.Seen);
    }

    [Fact]
    public async Task The_probe_answers_only_the_number_of_this_run_and_is_never_cached()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();

        Page first = await visitor.FetchAsync("/gateway/probe");
        Page second = await visitor.FetchAsync("/gateway/probe");

        Assert.Equal(HttpStatusCode.OK, first.Status);
        Assert.Equal("no-store", first.Header("Cache-Control"));
        Assert.Matches("\\Apaperless-gateway [0-9a-f]{32}\\z", first.Text);
        Assert.Equal(first.Text, second.Text);
        Assert.Null(first.Header("Set-Cookie"));
        Assert.Empty(world.Forwarded);
    }

    [Fact]
    public async Task More_probes_at_a_time_than_a_check_needs_are_refused()
    {
        await using World world = await World.StartAsync();
        List<ClientWebSocket> sockets = [];
        try
        {
            // A client that never answers the close holds its place.
            for (int count = 0; count < 4; count++)
            {
                ClientWebSocket socket = new();
                sockets.Add(socket);
                await socket.ConnectAsync(new Uri($"ws://localhost:{world.Port}/gateway/probe"), World.Ct);
            }

            using Visitor visitor = world.NewVisitor();

            Assert.Equal(HttpStatusCode.TooManyRequests, (await visitor.FetchAsync("/gateway/probe")).Status);
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
    }

    [Fact]
    [Needs(RealPart.Nginx)]
    public async Task An_nginx_with_its_defaults_is_named_for_small_bodies_and_for_WebSockets()
    {
        int port = World.FreePort();
        await using World world = await World.StartAsync(options => options.PublicUrl = $"http://localhost:{port}");
        await using ReverseProxy nginx = await ReverseProxy.StartNginxWithDefaultsAsync(port, world.Port);

        (int exitCode, string[] lines) = await CommandAsync(world);

        string[] found = [.. lines.Where(line => line.Contains(" public address", StringComparison.Ordinal))];
        Assert.Equal(1, exitCode);
        Assert.Equal("✔✘!!", string.Concat(found.Select(line => line[0])));
        Assert.Contains("client_max_body_size 0", found[1], StringComparison.Ordinal);
        Assert.Contains("proxy_buffering off", found[2], StringComparison.Ordinal);
        Assert.Contains("Upgrade", found[3], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("proxy_set_header X-Forwarded-Proto http; proxy_set_header X-Forwarded-Port 80;")]
    [Needs(RealPart.Nginx)]
    public async Task The_documented_nginx_is_good_and_a_scheme_or_port_that_it_does_not_pass_on_is_no_finding(string mistake)
    {
        await using ProxiedWorld proxied = await ProxiedWorld.StartAsync(
            RealPart.Nginx,
            text => text.Replace("proxy_http_version 1.1;", $"proxy_http_version 1.1; {mistake}", StringComparison.Ordinal),
            options => options.Services = services => services.AddSingleton<Outbound, Trusting>());

        Finding[] findings = await FindingsAsync(proxied.World);

        Assert.Equal(4, findings.Length);
        Assert.All(findings, finding => Assert.Equal(FindingLevel.Good, finding.Level));
    }

    [Fact]
    public async Task An_answer_that_is_held_ends_when_it_is_released_and_others_are_not_held()
    {
        await using World world = await World.StartAsync();
        using HttpClient client = new();
        string probe = $"{world.Origin}/gateway/probe";
        using HttpResponseMessage held = await client.GetAsync($"{probe}?hold=one", HttpCompletionOption.ResponseHeadersRead, World.Ct);
        Task<string> text = held.Content.ReadAsStringAsync(World.Ct);

        string other = await client.GetStringAsync($"{probe}?release=another", World.Ct);
        Assert.False(text.IsCompleted);
        await client.GetStringAsync($"{probe}?release=one", World.Ct);

        Assert.Equal(other, await text.InTimeAsync("The answer ends."));
        Assert.Equal(other, await client.GetStringAsync($"{probe}?hold={new string('x', 65)}", World.Ct));
    }

    [Fact]
    public async Task An_answer_that_nobody_releases_is_given_up_after_ten_seconds()
    {
        await using World world = await World.StartAsync();
        using HttpClient client = new();
        using HttpResponseMessage held = await client.GetAsync(
            $"{world.Origin}/gateway/probe?hold=one", HttpCompletionOption.ResponseHeadersRead, World.Ct);
        Task<string> text = held.Content.ReadAsStringAsync(World.Ct);

        world.Clock.Advance(TimeSpan.FromSeconds(11));

        await Assert.ThrowsAsync<HttpRequestException>(() => text.InTimeAsync("The answer ends."));
    }

    private static async Task<Finding[]> FindingsAsync(World world)
    {
        CheckReport report = await world.Gateway.Services.GetRequiredService<CheckRunner>().RunAsync(World.Ct);
        return [.. report.Findings.Where(finding => finding.Subject.StartsWith("public address", StringComparison.Ordinal))];
    }

    private static Task<(int ExitCode, string[] Lines)> CommandAsync(World world)
    {
        Dictionary<string, string?> settings = world.Settings();
        settings["GATEWAY_MANAGEMENT_URL"] = world.Gateway.Management.GetLeftPart(UriPartial.Authority);
        return CheckTests.CommandAsync(settings);
    }

    /// <summary>Trusts the certificate of the proxy in front.</summary>
    private sealed class Trusting : Outbound
    {
        public override SocketsHttpHandler CreateHandler()
        {
            SocketsHttpHandler handler = base.CreateHandler();
            using X509Certificate2 trusted = ReverseProxy.Certificate();
            string hash = trusted.GetCertHashString();
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.GetCertHashString() == hash;
            return handler;
        }
    }

    /// <summary>What the proxy in front does wrong.</summary>
    private enum Front
    {
        OtherHost,
        OtherProgram,
        OtherAddress,
        LoginProxy,
        Paperless,
        BadGateway,
        OtherGateway,
        SmallBodies,
        HeldBack,
        NoSockets,
    }

    /// <summary>A proxy that passes GET and POST on as they come, apart from its mistake; WebSockets never.</summary>
    private sealed class ProxyWithMistake : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private readonly Front _front;
        private readonly HttpClient _client = new();

        private ProxyWithMistake(Front front)
        {
            _front = front;
            WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new());
            builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
            _app = builder.Build();
            _app.Run(AnswerAsync);
        }

        public string Gateway { get; set; } = "";

        public string Address => $"http://localhost:{new Uri(_app.Urls.Single()).Port}";

        public static async Task<ProxyWithMistake> StartAsync(Front front)
        {
            ProxyWithMistake proxy = new(front);
            await proxy._app.StartAsync(World.Ct);
            return proxy;
        }

        public async ValueTask DisposeAsync()
        {
            await _app.DisposeAsync();
            _client.Dispose();
        }

        private Task AnswerAsync(HttpContext context)
        {
            switch (_front)
            {
                case Front.OtherProgram:
                    return context.Response.WriteAsync("Welcome to nginx!");
                case Front.OtherAddress:
                    context.Response.Redirect("https://docs.home" + context.Request.Path);
                    return Task.CompletedTask;
                case Front.LoginProxy:
                    context.Response.Redirect("/outpost/start?rd=" + context.Request.Path);
                    return Task.CompletedTask;
                case Front.Paperless:
                    context.Response.Redirect("/accounts/login/?next=" + context.Request.Path);
                    return Task.CompletedTask;
                case Front.BadGateway:
                    context.Response.StatusCode = StatusCodes.Status502BadGateway;
                    return Task.CompletedTask;
                case Front.OtherGateway:
                    return context.Response.WriteAsync("paperless-gateway 0123456789abcdef0123456789abcdef");
                case Front.SmallBodies when context.Request.ContentLength > 1024 * 1024:
                    context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
                    return Task.CompletedTask;
                default:
                    return PassAsync(context);
            }
        }

        private async Task PassAsync(HttpContext context)
        {
            using HttpRequestMessage request = new(new HttpMethod(context.Request.Method), Gateway + context.Request.Path + context.Request.QueryString);
            request.Headers.Host = _front == Front.OtherHost ? "localhost" : context.Request.Host.Value;
            if (context.Request.ContentLength is { } length)
            {
                request.Content = new StreamContent(context.Request.Body) { Headers = { ContentLength = length } };
            }

            HttpCompletionOption completion =
                _front == Front.HeldBack ? HttpCompletionOption.ResponseContentRead : HttpCompletionOption.ResponseHeadersRead;
            using HttpResponseMessage response = await _client.SendAsync(request, completion, context.RequestAborted);
            context.Response.StatusCode = (int)response.StatusCode;
            await response.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
        }
    }
}
