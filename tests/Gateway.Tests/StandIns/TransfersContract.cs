using System.Net;
using System.Net.WebSockets;
using static Gateway.Tests.StandIns.PaperlessClient;

namespace Gateway.Tests.StandIns;

/// <summary>Uploads and WebSockets of Paperless.</summary>
public abstract class TransfersContract(Installation installation) : PaperlessContract(installation)
{
    private Uri SocketAddress => new UriBuilder(Client.Address) { Scheme = Client.Address.Scheme == "https" ? "wss" : "ws", Path = "/ws/status/" }.Uri;

    [Fact]
    public async Task Paperless_reads_a_chunked_upload_as_empty_and_refuses_the_upload()
    {
        const string Body = "--b\r\nContent-Disposition: form-data; name=\"document\"; filename=\"a.pdf\"\r\n\r\nx\r\n--b--\r\n";

        using HttpResponseMessage response = await Client.PostAsync(
            "/api/documents/post_document/", Chunked(Body, "multipart/form-data; boundary=b"), Admin);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("""{"document":["No file was submitted."]}""", await TextAsync(response));
    }

    [Fact]
    public async Task Paperless_answers_a_chunked_PATCH_with_200_and_changes_nothing()
    {
        ContractUser alice = await Paperless.AddUserAsync("alice");

        using HttpResponseMessage chunked = await Client.SendAsync(
            HttpMethod.Patch,
            alice.Path,
            Chunked("""{"first_name":"New"}""", "application/json"),
            Admin);
        using HttpResponseMessage whole = await Client.SendAsync(HttpMethod.Patch, alice.Path, Json("""{"first_name":"New"}"""), Admin);

        Assert.Equal(HttpStatusCode.OK, chunked.StatusCode);
        Assert.Equal("", (await JsonAsync(chunked)).GetProperty("first_name").GetString());
        Assert.Equal("New", (await JsonAsync(whole)).GetProperty("first_name").GetString());
    }

    [Fact]
    public async Task An_anonymous_upload_is_refused()
    {
        using MultipartFormDataContent form = new MultipartFormDataContent { { new ByteArrayContent(new byte[300_000]), "document", "a.pdf" } };

        using HttpResponseMessage response = await Client.PostAsync("/api/documents/post_document/", form);

        Assert.Equal(Paperless.Refused, response.StatusCode);
    }

    [Fact]
    public async Task A_session_cookie_opens_the_WebSocket_from_any_origin()
    {
        (string? cookie, string _) = await Client.EnterAsync(Paperless.Name("alice"));
        using ClientWebSocket socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Cookie", cookie);
        socket.Options.SetRequestHeader("Origin", "https://evil.example");

        await socket.ConnectAsync(SocketAddress, Ct);

        Assert.Equal(WebSocketState.Open, socket.State);
    }

    [Theory]
    [InlineData("Remote-User")]
    [InlineData("Authorization")]
    [InlineData("Cookie")]
    public async Task Only_a_session_cookie_opens_the_WebSocket(string header)
    {
        using ClientWebSocket socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.SetRequestHeader(header, header switch
        {
            "Remote-User" => Paperless.Name("alice"),
            "Authorization" => Admin.Value,
            _ => "sessionid=none",
        });

        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(SocketAddress, Ct));

        Assert.Equal(HttpStatusCode.Forbidden, socket.HttpStatusCode);
    }
}
