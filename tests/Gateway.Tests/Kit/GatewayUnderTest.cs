using System.Security.Cryptography.X509Certificates;
using Gateway.Checks;
using Gateway.Operations;
using Gateway.Paperless;
using Gateway.Settings;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Serilog.Core;

namespace Gateway.Tests.Kit;

/// <summary>The complete gateway on a real Kestrel; only its clock, its log and its outgoing connections are replaced.</summary>
internal sealed class GatewayUnderTest : WebApplicationFactory<Program>
{
    private const int MaxTries = 5;

    private readonly IReadOnlyDictionary<string, string?> _settings;
    private readonly TimeProvider _clock;
    private readonly CapturedLog _log;
    private readonly Action<IServiceCollection>? _services;

    private GatewayUnderTest(
        IReadOnlyDictionary<string, string?> settings,
        int port,
        TimeProvider clock,
        CapturedLog log,
        X509Certificate2? certificate,
        Action<IServiceCollection>? services)
    {
        _settings = settings;
        _clock = clock;
        _log = log;
        _services = services;
        UseKestrel(kestrel => kestrel.ListenLocalhost(port, listener =>
        {
            if (certificate is { HasPrivateKey: true })
            {
                listener.UseHttps(certificate);
            }
            else if (certificate is not null)
            {
                // Kestrel's default certificate, from the settings.
                listener.UseHttps();
            }
        }));
    }

    /// <summary>The management address.</summary>
    public Uri Management => Services.GetRequiredService<ManagementServer>().Address!;

    public static GatewayUnderTest Start(
        IReadOnlyDictionary<string, string?> settings,
        int port,
        TimeProvider clock,
        CapturedLog log,
        X509Certificate2? certificate,
        Action<IServiceCollection>? services)
    {
        for (int tries = 1; ; tries++)
        {
            GatewayUnderTest gateway = new(settings, port, clock, log, certificate, services);
            try
            {
                gateway.StartServer();
                return gateway;
            }
            catch (Exception error)
            {
                gateway.Dispose();
                if (error is not ObjectDisposedException || tries == MaxTries)
                {
                    throw;
                }

                // A process that another test starts holds this one's sockets from its fork to its exec: the port is in use for a moment.
                Thread.Sleep(50);
            }
        }
    }

    public override async ValueTask DisposeAsync()
    {
        try
        {
            await base.DisposeAsync();
        }
        catch (ObjectDisposedException)
        {
            // The factory stops the host, on which the program's own Main ends and disposes of it, too: whichever comes first.
        }
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseEnvironment("Production");
        foreach ((string name, string? value) in _settings)
        {
            if (value is not null)
            {
                builder.UseSetting(name, value);
            }
        }

        builder.ConfigureTestServices(services =>
        {
            services.AddSingleton(_clock);
            services.AddSingleton<ILogEventSink>(_log);
            services.AddSingleton<Outbound, LoopbackOnly>();

            // The clock stands still: a pause before the next try would never end.
            services.AddSingleton(PaperlessApiTimes.Default with { RetryBackoff = TimeSpan.Zero });

            // Its requests would stand between those that a test counts.
            // The factory may also meet the management server, which has none.
            foreach (ServiceDescriptor checks in services.Where(service => service.ImplementationType == typeof(StartupChecks)).ToArray())
            {
                services.Remove(checks);
            }

            _services?.Invoke(services);
        });
    }

    /// <summary>Fails every connection that leaves this machine.</summary>
    private sealed class LoopbackOnly : Outbound
    {
        public override SocketsHttpHandler CreateHandler()
        {
            SocketsHttpHandler handler = base.CreateHandler();
            handler.ConnectCallback = async (context, cancel) =>
            {
                if (context.DnsEndPoint.Host is not ("127.0.0.1" or "localhost"))
                {
                    throw new InvalidOperationException($"A test must not ask {context.DnsEndPoint}.");
                }

                System.Net.Sockets.Socket socket = new(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(context.DnsEndPoint, cancel);
                return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
            };
            return handler;
        }
    }
}
