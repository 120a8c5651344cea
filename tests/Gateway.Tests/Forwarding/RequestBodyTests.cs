using System.Net;
using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Gateway.Forwarding;
using Gateway.StandIns.Paperless;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Forwarding;

/// <summary>Request bodies reach Paperless byte for byte and with a `Content-Length`.</summary>
public sealed class RequestBodyTests(SharedWorld shared) : IClassFixture<SharedWorld>
{
    private World World => shared.World;

    private string Spool => Path.Combine(World.DataDirectory, StorageFeature.SpoolDirectory);

    private (string Name, string Value) Admin => ("Authorization", "Token " + World.Paperless.Data.AdminToken);

    [Fact]
    public async Task A_file_of_any_size_reaches_Paperless_complete_with_and_without_Content_Length()
    {
        using Visitor alice = await World.SignedInAsync("alice");

        await Gen.Select(Gen.OneOf(Gen.Int[0, 10], Gen.Int[65_000, 66_000], Gen.Int[0, 300_000]), Gen.Bool).SampleAsync(
            async (size, chunked) =>
            {
                byte[] content = RandomNumberGenerator.GetBytes(size);
                using MultipartFormDataContent form = new() { { new ByteArrayContent(content), "document", "scan.pdf" } };
                using HttpContent body = chunked ? await UnsizedAsync(form) : form;

                Page page = await alice.FetchAsync(HttpMethod.Post, "/api/documents/post_document/", body);

                PaperlessUpload upload = World.Paperless.Data.Uploads[^1];
                Assert.Equal(HttpStatusCode.OK, page.Status);
                Assert.Equal(("alice", (long)size, Convert.ToHexStringLower(SHA256.HashData(content))), (upload.By, upload.Length, upload.Sha256));
                ReceivedRequest received = World.Forwarded[^1];
                Assert.Equal([received.BodyLength.ToString(System.Globalization.CultureInfo.InvariantCulture)], received.Lines("Content-Length"));
                Assert.Empty(received.Lines("Transfer-Encoding"));
            },
            iter: 40,
            threads: 1);

        Assert.Empty(Directory.GetFiles(Spool));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(ChunkedBodyBuffer.MaxInMemoryBytes)]
    [InlineData(ChunkedBodyBuffer.MaxInMemoryBytes + 1)]
    public async Task A_chunked_body_is_forwarded_with_a_Content_Length(int padding)
    {
        using Visitor program = World.NewVisitor();
        string title = Guid.NewGuid().ToString("N");
        string json = $$"""{"title":"{{title}}","content":"{{new string('x', padding)}}"}""";

        Page page = await program.SendAsync(HttpMethod.Patch, "/api/documents/2/", PaperlessClient.Chunked(json, "application/json"), Admin);

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal(title, World.Paperless.Data.FindDocument(2)!.Title);
        Assert.Equal(json.Length, World.Forwarded[^1].BodyLength);

        // The file of the body is removed after the answer.
        await Wait.UntilAsync(() => Directory.GetFiles(Spool).Length == 0, "The file of the body is removed.");
    }

    [Theory]
    [InlineData("POST", "0\r\n\r\n")]
    [InlineData("DELETE", "0\r\n\r\n")]
    [InlineData("GET", "0\r\n\r\n")]
    [InlineData("POST", "5;ext=1\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n")]
    public async Task Chunks_of_every_valid_form_are_forwarded_with_a_Content_Length(string method, string chunks)
    {
        World.Paperless.ForgetReceived();

        await RawConnection.AskAsync(World, $"{method} /api/documents/1/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nAuthorization: "
            + $"{Admin.Value}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{chunks}");

        ReceivedRequest received = Assert.Single(World.Forwarded);
        Assert.Empty(received.Lines("Transfer-Encoding"));
        Assert.Equal([chunks[0] == '5' ? "5" : "0"], received.Lines("Content-Length"));
        Assert.Empty(received.Lines("X-Trailer"));
    }

    [Theory]
    [InlineData("400\r\nonly a few bytes")]
    [InlineData("")]
    public async Task A_truncated_chunked_body_never_reaches_Paperless(string begun)
    {
        await using World world = await World.StartAsync();
        using RawConnection connection = await RawConnection.OpenAsync(world.Port);
        await connection.SendAsync($"POST /api/documents/1/ HTTP/1.1\r\nHost: localhost:{world.Port}\r\nAuthorization: Token "
            + $"{world.Paperless.Data.AdminToken}\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 100 ", await connection.ReadHeadAsync(), StringComparison.Ordinal);
        await connection.SendAsync(begun);

        connection.BreakOff();
        await world.Log.WaitForAsync("Request");

        Assert.Empty(world.Forwarded);
        Assert.Empty(world.Log.Of("RequestFailed"));
        Assert.Empty(Directory.GetFiles(Path.Combine(world.DataDirectory, StorageFeature.SpoolDirectory)));
    }

    [Theory]
    [InlineData("zz\r\nhello\r\n0\r\n\r\n")]
    [InlineData("5\r\nhello!\r\n0\r\n\r\n")]
    [InlineData("-1\r\nhello\r\n0\r\n\r\n")]
    [InlineData("FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n")]
    public async Task Malformed_chunks_are_refused(string chunks)
    {
        World.Paperless.ForgetReceived();

        string answer = await RawConnection.AskAsync(
            World,
            $"POST /api/documents/1/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nAuthorization: {Admin.Value}\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");

        Assert.Equal(400, Assert.Single(RawConnection.Statuses(answer)));
        Assert.Empty(World.Forwarded);
    }

    [Theory]
    [InlineData("POST", "Content-Length: 0\r\nContent-Type: application/json\r\n")]
    [InlineData("GET", "Content-Type: application/json\r\n")]
    [InlineData("GET", "Content-Length: 0\r\nContent-Type: application/json\r\n")]
    [InlineData("DELETE", "Content-Type: application/json\r\nContent-Language: en\r\n")]
    [InlineData("OPTIONS", "Allow: GET\r\nExpires: 0\r\nLast-Modified: x\r\n")]
    public async Task Content_headers_without_a_body_are_harmless(string method, string headers)
    {
        World.Paperless.ForgetReceived();

        string answer = await RawConnection.AskAsync(
            World,
            $"{method} /api/profile/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nAuthorization: {Admin.Value}\r\n{headers}Connection: close\r\n\r\n");

        Assert.Equal(Assert.Single(World.Forwarded).Status, Assert.Single(RawConnection.Statuses(answer)));
    }

    [Fact]
    public async Task An_upload_that_breaks_off_is_aborted_at_Paperless_too()
    {
        World.Paperless.ForgetReceived();
        using RawConnection connection = await RawConnection.OpenAsync(World.Port);
        using Fault hold = World.Paperless.Faults.Hold(request => request.RawPath == "/api/documents/post_document/");
        await connection.SendAsync($"POST /api/documents/post_document/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nAuthorization: "
            + $"{Admin.Value}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\nsome");
        await hold.ArrivedAsync(World.Ct);

        connection.BreakOff();
        await hold.LeftAsync(World.Ct);

        Assert.DoesNotContain(World.Paperless.Data.Uploads, upload => upload.Length == 1000);
    }

    [Fact]
    public async Task A_request_with_Expect_gets_100_Continue_only_when_its_body_is_wanted()
    {
        using RawConnection connection = await RawConnection.OpenAsync(World.Port);
        await connection.SendAsync($"PATCH /api/documents/1/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nAuthorization: {Admin.Value}\r\nContent-Type: "
            + "application/json\r\nContent-Length: 16\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");

        string first = await connection.ReadHeadAsync();
        await connection.SendAsync("""{"title": "Mine"}"""[..16]);
        await connection.SendAsync("");

        Assert.StartsWith("HTTP/1.1 100 ", first, StringComparison.Ordinal);
        Assert.Equal([400], RawConnection.Statuses(await connection.ReadToEndAsync()));
        Assert.Empty(World.Forwarded[^1].Lines("Expect"));
    }

    [Fact]
    public async Task An_anonymous_chunked_body_is_limited_in_size()
    {
        World.Paperless.ForgetReceived();
        using RawConnection connection = await RawConnection.OpenAsync(World.Port);
        await connection.SendAsync($"POST /api/token/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nTransfer-Encoding: chunked\r\n\r\n");
        byte[] chunk = Encoding.ASCII.GetBytes("10000\r\n" + new string('x', 0x10000) + "\r\n");
        Task<string> answer = connection.ReadHeadAsync();

        try
        {
            for (int i = 0; i < 200 && !answer.IsCompleted; i++)
            {
                await connection.Stream.WriteAsync(chunk, World.Ct);
            }
        }
        catch (IOException)
        {
            // The gateway has heard enough.
        }

        Assert.StartsWith("HTTP/1.1 413 ", await answer, StringComparison.Ordinal);
        Assert.Empty(World.Forwarded);

        // The connection is closed when the request is over, and its file with it; the head comes before that.
        await connection.ReadToEndAsync();
        Assert.Empty(Directory.GetFiles(Spool));
    }

    private static async Task<HttpContent> UnsizedAsync(MultipartFormDataContent form)
    {
        PipeContent content = new(await form.ReadAsByteArrayAsync(World.Ct));
        content.Headers.ContentType = form.Headers.ContentType;
        return content;
    }

    /// <summary>Content that does not know its length.</summary>
    private sealed class PipeContent(byte[] bytes) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => stream.WriteAsync(bytes).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
