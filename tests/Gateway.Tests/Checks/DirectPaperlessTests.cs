using System.Net.Sockets;
using Gateway.Checks;
using Gateway.Settings;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Checks;

/// <summary>The check whether Paperless can be reached around the gateway.</summary>
public sealed class DirectPaperlessTests
{
    private const string Host = "docs.home";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Paperless_at_port_8000_of_the_public_host_is_a_warning(bool isOpen)
    {
        Network network = new();
        await using World world = await World.StartAsync(options =>
        {
            options.PublicUrl = $"http://{Host}";
            options.Services = services => services.AddSingleton<Outbound>(network);
        });
        network.Ports[80] = world.Port;
        network.Ports[8000] = isOpen ? world.Paperless.Address.Port : World.FreePort();

        CheckReport report = await world.Gateway.Services.GetRequiredService<CheckRunner>().RunAsync(World.Ct);

        Finding[] findings = [.. report.Findings.Where(finding => finding.Subject == "Paperless around the gateway")];
        Assert.Equal(isOpen ? 1 : 0, findings.Length);
        Assert.All(findings, finding => Assert.Contains($"http://{Host}:8000: whoever reaches it", finding.Seen, StringComparison.Ordinal));
        Assert.All(findings, finding => Assert.Equal(FindingLevel.Warning, finding.Level));
    }

    [Fact]
    public async Task A_gateway_at_port_8000_is_no_warning()
    {
        Network network = new();
        await using World world = await World.StartAsync(options =>
        {
            options.PublicUrl = $"http://{Host}";
            options.Services = services => services.AddSingleton<Outbound>(network);
        });
        network.Ports[80] = network.Ports[8000] = world.Port;

        CheckReport report = await world.Gateway.Services.GetRequiredService<CheckRunner>().RunAsync(World.Ct);

        Assert.DoesNotContain(report.Findings, finding => finding.Subject == "Paperless around the gateway");
        Assert.Contains(report.Findings, finding => finding.Seen == "requests arrive at this gateway, with the right host");
    }

    /// <summary>Leads the ports of the public host to other ports of this machine.</summary>
    private sealed class Network : Outbound
    {
        public Dictionary<int, int> Ports { get; } = [];

        public override SocketsHttpHandler CreateHandler()
        {
            SocketsHttpHandler handler = base.CreateHandler();
            handler.ConnectCallback = async (context, cancel) =>
            {
                int port = context.DnsEndPoint.Port;
                if (context.DnsEndPoint.Host == Host && !Ports.TryGetValue(port, out port))
                {
                    throw new SocketException((int)SocketError.ConnectionRefused);
                }

                Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync("127.0.0.1", port, cancel);
                return new NetworkStream(socket, ownsSocket: true);
            };
            return handler;
        }
    }
}
