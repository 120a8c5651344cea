using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using static Gateway.Tests.StandIns.PaperlessClient;

namespace Gateway.Tests.StandIns;

/// <summary>Documents, streams, WebSockets and ordered faults of the stand-in Paperless.</summary>
public sealed class StandInPaperlessTransferTests : IAsyncLifetime
{
    private StandInPaperless _paperless = null!;
    private PaperlessClient _client = null!;

    private (string Name, string Value) Admin => Token(_paperless.Data.AdminToken);

    public async ValueTask InitializeAsync()
    {
        _paperless = await StandInPaperless.StartAsync(new() { WithPeople = true }, Ct);
        _client = new PaperlessClient(_paperless);
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return _paperless.DisposeAsync();
    }

    [Fact]
    public async Task An_upload_to_the_stand_in_is_counted_hashed_and_answered_with_a_task()
    {
        byte[] content = new byte[5_000_000];
        Random.Shared.NextBytes(content);
        using MultipartFormDataContent form = new MultipartFormDataContent
        {
            { new StringContent("A scan"), "title" },
            { new ByteArrayContent(content), "document", "scan.pdf" },
        };

        using HttpResponseMessage response = await _client.PostAsync("/api/documents/post_document/", form, Admin);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        PaperlessUpload upload = Assert.Single(_paperless.Data.Uploads);
        Assert.Equal(upload.TaskId, (await JsonAsync(response)).GetString());
        Assert.Equal(("admin", "scan.pdf", 5_000_000L, "A scan"), (upload.By, upload.FileName, upload.Length, upload.Title));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(content)), upload.Sha256);
    }

    [Fact]
    public async Task An_anonymous_upload_is_read_completely_before_it_is_refused()
    {
        using MultipartFormDataContent form = new MultipartFormDataContent { { new ByteArrayContent(new byte[300_000]), "document", "a.pdf" } };

        using HttpResponseMessage response = await _client.PostAsync("/api/documents/post_document/", form);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.True(_paperless.Received.Single().BodyLength > 300_000);
        Assert.Empty(_paperless.Data.Uploads);
    }

    [Fact]
    public async Task Documents_are_visible_to_their_owner_and_downloadable_by_ranges()
    {
        (string Name, string Value) alice = Token(_paperless.Data.TokenOf("alice"));

        JsonElement list = await _client.JsonAsync("/api/documents/", alice);
        using HttpResponseMessage part = await _client.GetAsync("/api/documents/1/download/", alice, ("Range", "bytes=1-3"));
        using HttpResponseMessage foreign = await _client.GetAsync("/api/documents/3/download/", alice);

        Assert.Equal(2, list.GetProperty("count").GetInt32());
        Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
        Assert.Equal("PDF", await TextAsync(part));
        Assert.Equal(HttpStatusCode.NotFound, foreign.StatusCode);
    }

    [Fact]
    public async Task A_large_download_of_the_stand_in_has_the_requested_size()
    {
        using HttpResponseMessage response = await _client.GetAsync("/api/documents/big/download/?bytes=300001", Admin);

        byte[] content = await response.Content.ReadAsByteArrayAsync(Ct);

        Assert.Equal(300_001, response.Content.Headers.ContentLength);
        Assert.Equal(300_001, content.Length);
        Assert.Equal(300_000 % DocumentFiles.BigDownloadPeriod, content[^1]);
    }

    [Fact]
    public async Task The_chat_of_the_stand_in_sends_a_chunk_when_the_test_does()
    {
        ScriptedStream script = _paperless.Chat = new ScriptedStream();
        script.Send("first");

        using HttpResponseMessage response = await _client.PostAsync("/api/documents/chat/", Json("""{"q":"?"}"""), Admin);
        await using Stream stream = await response.Content.ReadAsStreamAsync(Ct);
        byte[] buffer = new byte[100];
        Assert.Equal("first", Encoding.UTF8.GetString(buffer, 0, await stream.ReadAsync(buffer, Ct).AsTask().InTimeAsync("The first chunk comes.")));

        script.Send("second");
        script.End();
        using StreamReader rest = new StreamReader(stream);
        Assert.Equal("second", await rest.ReadToEndAsync(Ct).InTimeAsync("The rest comes."));
    }

    [Fact]
    public async Task Server_sent_events_of_the_stand_in_arrive_when_pushed()
    {
        using HttpResponseMessage response = await _client.GetAsync("/api/stand-in/events/", Admin);
        using StreamReader lines = new StreamReader(await response.Content.ReadAsStreamAsync(Ct));

        Assert.Equal("data: ready", await lines.ReadLineAsync(Ct).AsTask().InTimeAsync("An event comes."));
        await _paperless.LiveStatus.ListenersAreAsync(1, Ct);
        _paperless.LiveStatus.Push("hello");

        Assert.Equal("", await lines.ReadLineAsync(Ct).AsTask().InTimeAsync("An event comes."));
        Assert.Equal("data: hello", await lines.ReadLineAsync(Ct).AsTask().InTimeAsync("An event comes."));
    }

    [Fact]
    public async Task An_open_WebSocket_of_the_stand_in_echoes_and_survives_the_logout()
    {
        (string? cookie, string _) = await _client.EnterAsync("alice");
        using ClientWebSocket socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Cookie", cookie);
        await socket.ConnectAsync(SocketAddress, Ct);

        await socket.SendAsync("echo"u8.ToArray(), WebSocketMessageType.Text, true, Ct);
        Assert.Equal("echo", await ReceiveAsync(socket));

        using HttpResponseMessage logout = await _client.GetAsync("/accounts/logout/", Cookie(cookie));
        await _paperless.LiveStatus.ListenersAreAsync(1, Ct);
        _paperless.LiveStatus.Push("still here");
        Assert.Equal("still here", await ReceiveAsync(socket));

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Ct);
        await _paperless.LiveStatus.ListenersAreAsync(0, Ct);
        Assert.Contains(_paperless.Received, request => request is { Status: 101, SignedInAs: "alice" });
    }

    [Fact]
    public async Task A_held_request_waits_until_the_test_releases_the_request()
    {
        using Fault hold = _paperless.Faults.Hold(request => request.Path == "/api/profile/");

        Task<HttpResponseMessage> held = _client.GetAsync("/api/profile/", Admin);
        Assert.Equal("/api/profile/", (await hold.ArrivedAsync(Ct)).Path);
        using HttpResponseMessage other = await _client.GetAsync("/api/users/", Admin);
        Assert.False(held.IsCompleted);
        hold.Release();
        using HttpResponseMessage response = await held;

        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task A_fault_of_the_stand_in_answers_or_drops_requests_until_it_is_disposed()
    {
        Fault refuse = _paperless.Faults.Answer(_ => true, 503);
        using HttpResponseMessage refused = await _client.GetAsync("/");
        refuse.Dispose();
        using (_paperless.Faults.Drop(request => request.Path == "/"))
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => _client.GetAsync("/"));
        }

        using (_paperless.Faults.Break(request => request.Path == "/"))
        using (HttpResponseMessage broken = await _client.GetAsync("/"))
        {
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => TextAsync(broken));
        }

        using HttpResponseMessage again = await _client.GetAsync("/");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal((HttpStatusCode.Found, 1), (again.StatusCode, refuse.Hits));
        Assert.Equal([503, 0, 200, 302], _paperless.Received.Select(request => request.Status));
        _paperless.ForgetReceived();
        Assert.Empty(_paperless.Received);
    }

    private Uri SocketAddress => new UriBuilder(_paperless.Address) { Scheme = "ws", Path = "/ws/status/" }.Uri;

    private static async Task<string> ReceiveAsync(ClientWebSocket socket)
    {
        byte[] buffer = new byte[1000];
        WebSocketReceiveResult message = await socket.ReceiveAsync(buffer, Ct).InTimeAsync("A message comes through the WebSocket.");
        return Encoding.UTF8.GetString(buffer, 0, message.Count);
    }
}
