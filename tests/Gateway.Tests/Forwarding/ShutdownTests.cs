using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;
using Gateway.Operations;
using Gateway.Settings;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Forwarding;

/// <summary>A graceful shutdown of the real program after SIGTERM.</summary>
[Needs(RealPart.Process)]
public sealed class ShutdownTests
{
    [Fact]
    public async Task At_shutdown_running_requests_finish_and_new_requests_are_refused()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        await using GatewayProcess gateway = await GatewayProcess.StartAsync(world);
        using Visitor alice = await world.SignedInAsync("alice");
        using ClientWebSocket socket = new();
        socket.Options.SetRequestHeader("Cookie", alice.Cookies.GetCookieHeader(new Uri(world.Origin)));
        await socket.ConnectAsync(new Uri($"ws://localhost:{world.Port}/ws/status/"), World.Ct);
        using RawConnection idle = await RawConnection.OpenAsync(world.Port);
        using Fault hold = world.Paperless.Faults.Hold(request => request.RawPath == "/api/documents/1/download/");
        Task<Page> held = alice.FetchAsync("/api/documents/1/download/");
        await hold.ArrivedAsync(World.Ct);
        using HttpClient management = new() { BaseAddress = gateway.Management };
        Assert.Equal("ready", await StatusAsync(management));

        await gateway.TerminateAsync();
        WebSocketReceiveResult close = await socket.ReceiveAsync(new byte[100], World.Ct).InTimeAsync("The WebSocket is closed.");
        await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, null, World.Ct);

        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, close.CloseStatus);
        Assert.Equal("stopping", await StatusAsync(management));
        Assert.Equal("", await idle.ReadToEndAsync());
        using TcpClient late = new();
        await Assert.ThrowsAnyAsync<SocketException>(() => late.ConnectAsync(IPAddress.Loopback, world.Port, World.Ct).AsTask());
        Assert.False(held.IsCompleted);

        hold.Release();
        Page page = await held;

        // The end of the work ends the program, and not the end of the grace period.
        int exitCode = await gateway.ExitCodeAsync(limit: OperationsFeature.GracePeriod / 2);

        Assert.Equal((HttpStatusCode.OK, "application/pdf"), (page.Status, page.Response.Content.Headers.ContentType?.MediaType));
        Assert.Equal(0, exitCode);
        Assert.Contains("\"Path\":\"/api/documents/{id}/download/\"", gateway.Output, StringComparison.Ordinal);
        Assert.Contains("Application is shutting down", gateway.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_the_gateway_drains_it_is_not_ready_and_accepts_requests()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["GATEWAY_DRAIN"] = "10s";
        });
        await using GatewayProcess gateway = await GatewayProcess.StartAsync(world);
        using Visitor alice = await world.SignedInAsync("alice");
        using HttpClient management = new() { BaseAddress = gateway.Management };
        Assert.Equal("ready", await StatusAsync(management));

        await gateway.TerminateAsync();
        await Wait.UntilAsync(async () => await StatusAsync(management) == "stopping", "The gateway is not ready any more.");
        using Visitor newConnection = world.NewVisitor();
        Page page = await newConnection.OpenAsync("/accounts/login/");

        Assert.Equal((HttpStatusCode.OK, "alice"), (page.Status, await alice.WhoAsync()));
        Assert.Equal(0, await gateway.ExitCodeAsync());
        Assert.Contains("\"Draining\"", gateway.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("soon")]
    [InlineData("6m")]
    public async Task A_drain_that_is_no_time_or_too_long_is_refused(string setting)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        world.Options.Settings["GATEWAY_DRAIN"] = setting;

        SettingsException refused = Assert.Throws<SettingsException>(() => new GatewaySettingsReader(
            new ConfigurationBuilder().AddInMemoryCollection(world.Settings()).Build()).Read());

        Assert.Contains("GATEWAY_DRAIN", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sessions_survive_a_restart_of_the_program()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        Visitor alice;
        await using (GatewayProcess gateway = await GatewayProcess.StartAsync(world))
        {
            alice = await world.SignedInAsync("alice");
            await gateway.TerminateAsync();
            Assert.Equal(0, await gateway.ExitCodeAsync());
        }

        await using GatewayProcess again = await GatewayProcess.StartAsync(world);
        Page page = await alice.FetchAsync("/api/profile/");

        Assert.Equal((HttpStatusCode.OK, "alice"), (page.Status, world.Forwarded[^1].SignedInAs));
        alice.Dispose();
    }

    private static async Task<string?> StatusAsync(HttpClient management)
    {
        using HttpResponseMessage response = await management.GetAsync(ManagementServer.ReadyPath, World.Ct);
        return (await response.Content.ReadFromJsonAsync<JsonElement>(World.Ct)).GetProperty("status").GetString();
    }
}
