using System.Net.Sockets;
using System.Text;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Attacks;

/// <summary>Worlds whose gateway writes down what it decided on, over HTTP/1.1 and over TLS with HTTP/2.</summary>
public sealed class WatchedWorld : IAsyncLifetime
{
    internal World World { get; private set; } = null!;

    internal World Secure { get; private set; } = null!;

    internal DecidedRequests Decided { get; } = new();

    internal DecidedRequests DecidedSecure { get; } = new();

    public async ValueTask InitializeAsync()
    {
        World = await World.StartAsync(options => options.Services = services => services.AddSingleton<IStartupFilter>(Decided));
        Secure = await World.StartAsync(options =>
        {
            options.Https = true;
            options.Services = services => services.AddSingleton<IStartupFilter>(DecidedSecure);
        });
    }

    public async ValueTask DisposeAsync()
    {
        await World.DisposeAsync();
        await Secure.DisposeAsync();
    }
}

/// <summary>What reaches Paperless is, one for one, what the gateway decided on, with the identity it decided on.</summary>
[Trait("Category", "Attacks")]
public sealed class SmugglingMatrixTests(WatchedWorld watched) : IClassFixture<WatchedWorld>
{
    private const int Connections = 16;

    /// <summary>How long a connection may be silent before its client hangs up: some requests end nowhere.</summary>
    private static readonly TimeSpan SilenceTimeout = TimeSpan.FromMilliseconds(250);

    [Fact]
    public async Task Over_HTTP1_Paperless_receives_only_the_requests_that_the_gateway_decided_on()
    {
        World world = watched.World;
        using Visitor alice = await world.SignedInAsync("alice");
        string cookie = $"Cookie: {alice.Cookies.GetCookieHeader(new Uri(world.Origin))}\r\n";
        IReadOnlyList<SmugglingPayload> payloads = SmugglingPayloads.All(world.Port, cookie);
        Assert.InRange(payloads.Count, 850, int.MaxValue);
        world.Paperless.ForgetReceived();
        int hungUp = 0;

        await Parallel.ForEachAsync(payloads, new ParallelOptions { MaxDegreeOfParallelism = Connections, CancellationToken = World.Ct }, async (payload, _) =>
        {
            if (!await SendAsync(world.Port, payload.Text))
            {
                Interlocked.Increment(ref hungUp);
            }
        });

        // One that is whole, so that the test fails where nothing is forwarded at all; and the world still answers.
        for (int i = 0; i < 50; i++)
        {
            string head = $"POST /api/documents/?whole={i} HTTP/1.1\r\nHost: localhost:{world.Port}\r\n{cookie}Connection: close\r\n";
            string answer = await RawConnection.AskAsync(world, head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
            Assert.Single(RawConnection.Statuses(answer));
        }

        await SettleAsync(watched.Decided);
        int judged = Judge(world, watched.Decided);
        Assert.Equal(50, world.Forwarded
            .Count(request => request.RawTarget.Contains("?whole=", StringComparison.Ordinal) && request is { SignedInAs: "alice", BodyLength: 5 }));
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{payloads.Count} payloads of {payloads.Select(payload => payload.Kind).Distinct().Count()} kinds: "
            + $"{watched.Decided.All.Count} requests decided on, {judged} at Paperless, {hungUp} connections left open");
        Assert.InRange(judged, 100, int.MaxValue);
    }

    /// <summary>Each at Paperless has its decision here, which no other has; method, target, identity and length of the body are the same.</summary>
    internal static int Judge(World world, DecidedRequests decided)
    {
        ILookup<string, DecidedRequest> decisions = decided.All.ToLookup(request => $"{request.Method.ToUpperInvariant()} {request.Target}");
        int judged = 0;
        foreach (IGrouping<string, ReceivedRequest> received in world.Forwarded.GroupBy(request => $"{request.Method.ToUpperInvariant()} {request.RawTarget}"))
        {
            DecidedRequest[] of = [.. decisions[received.Key]];
            Assert.True(received.Count() <= of.Length, $"{received.Count()} at Paperless, {of.Length} decided on: {received.Key}");
            foreach (ReceivedRequest request in received)
            {
                judged++;
                Assert.Contains(request.SignedInAs, of.Select(decision => decision.User).Append(null));
                Assert.All(request.Lines("Remote-User"), name => Assert.Contains(name, of.Select(decision => decision.User)));
                Assert.InRange(request.Lines("Remote-User").Count, 0, 1);
                Assert.InRange(request.Lines("Content-Length").Count, 0, 1);
                Assert.Empty(request.Lines("Transfer-Encoding"));
                Assert.Empty(request.Lines("Trailer"));
                Assert.Empty(request.Lines("Expect"));
                if (request.Route is not null && received.Count() == 1)
                {
                    Assert.True(
                        request.BodyLength == of[0].BodyLength,
                        $"{request.BodyLength} bytes at Paperless, {of[0].BodyLength} here: {received.Key} {request.Status} {request.Route}");
                }
            }
        }

        return judged;
    }

    internal static Task SettleAsync(DecidedRequests decided) => Wait.UntilAsync(() => decided.All.All(request => request.IsOver), "Every request is over.");

    /// <returns>False where the gateway waited for more, and the client hung up.</returns>
    private static async Task<bool> SendAsync(int port, string text)
    {
        using TcpClient connection = new() { NoDelay = true };
        await connection.ConnectAsync("127.0.0.1", port, World.Ct);
        NetworkStream stream = connection.GetStream();
        byte[] buffer = new byte[16 * 1024];
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(text), World.Ct);
            while (true)
            {
                using CancellationTokenSource silence = CancellationTokenSource.CreateLinkedTokenSource(World.Ct);
                silence.CancelAfter(SilenceTimeout);
                if (await stream.ReadAsync(buffer, silence.Token) == 0)
                {
                    return true;
                }
            }
        }
        catch (IOException)
        {
            return true;
        }
        catch (OperationCanceledException) when (!World.Ct.IsCancellationRequested)
        {
            return false;
        }
    }
}
