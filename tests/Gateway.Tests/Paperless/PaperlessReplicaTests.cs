using System.Net;
using System.Net.Sockets;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Paperless;

/// <summary>Forwarded requests with several Paperless replicas, some of them failing.</summary>
public sealed class PaperlessReplicaTests
{
    [Fact]
    public async Task A_Paperless_replica_that_fails_is_skipped_and_used_again_after_it_recovers()
    {
        int dead = World.FreePort();
        await using World world = await World.StartAsync(options => options.SecondUpstream = $"http://127.0.0.1:{dead}");
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.ForgetReceived();

        for (int i = 0; i < 6; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/dashboard")).Status);
            Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync(HttpMethod.Head, "/dashboard")).Status);
        }

        Assert.Equal(12, world.Forwarded.Count(received => received.RawPath == "/dashboard"));
        // None where one of the gateway's own questions met the dead one first.
        Assert.True(world.Log.Of("ForwardingFailed").Count <= 1);

        await using StandInPaperless second = await StandInPaperless.StartAsync(world.Paperless.Options with { Url = $"http://127.0.0.1:{dead}" }, World.Ct);
        world.Clock.Advance(TimeSpan.FromSeconds(21));
        for (int i = 0; i < 4; i++)
        {
            await alice.FetchAsync("/dashboard");
        }

        Assert.Contains(second.Received, received => received.RawPath == "/dashboard" && received.Lines("Remote-User") is ["alice"]);
    }

    [Fact]
    public async Task Requests_that_write_are_never_sent_twice_and_requests_that_read_are_retried()
    {
        await using StandInPaperless other = await StandInPaperless.StartAsync(ct: World.Ct);
        await using World world = await World.StartAsync(options => options.SecondUpstream = other.Address.GetLeftPart(UriPartial.Authority));
        using Visitor program = world.NewVisitor();
        other.Faults.Drop(request => request.RawPath == "/api/documents/1/");
        world.Paperless.Faults.Drop(request => request.RawPath == "/api/documents/1/");

        foreach (string method in (string[])["PATCH", "DELETE", "POST", "OPTIONS", "GET"])
        {
            // On connections that were used before, too.
            await program.SendAsync(HttpMethod.Get, "/favicon.ico");
            await program.SendAsync(HttpMethod.Get, "/favicon.ico");
            Page page = await program.SendAsync(new HttpMethod(method), "/api/documents/1/", null, ("Authorization", "Token x"));
            Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        }

        Assert.Equal(
            ["DELETE", "GET", "GET", "OPTIONS", "PATCH", "POST"],
            world.Forwarded.Concat(other.Received).Where(request => request.RawPath == "/api/documents/1/").Select(request => request.Method)
                .Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_Paperless_replica_that_does_not_even_refuse_connections_is_skipped()
    {
        // A listener whose queue is full: the kernel lets further connections wait.
        using Socket deaf = new(SocketType.Stream, ProtocolType.Tcp);
        deaf.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        deaf.Listen(0);
        using TcpClient first = new();
        using TcpClient second = new();
        await first.ConnectAsync((IPEndPoint)deaf.LocalEndPoint!, World.Ct);
        _ = second.ConnectAsync((IPEndPoint)deaf.LocalEndPoint!, World.Ct).AsTask();
        await using World world = await World.StartAsync(options => options.SecondUpstream = $"http://{deaf.LocalEndPoint}");
        using Visitor nobody = world.NewVisitor();

        Page[] pages = [await nobody.SendAsync(HttpMethod.Get, "/favicon.ico"), await nobody.SendAsync(HttpMethod.Get, "/favicon.ico"), await nobody.SendAsync(
            HttpMethod.Get,
            "/favicon.ico")];

        Assert.All(pages, page => Assert.Equal(HttpStatusCode.OK, page.Status));
        // None where one of the gateway's own questions met the dead one first.
        Assert.True(world.Log.Of("ForwardingFailed").Count <= 1);
    }
}
