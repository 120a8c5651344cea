using System.Net.Http.Headers;
using System.Text;
using Gateway.Tests.Kit;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Access;

/// <summary>Somebody at an address behind a trusted proxy who tries passwords and tokens.</summary>
internal sealed class FailedLoginClient(Visitor visitor, World world, string address) : IDisposable
{
    private static int _guesses;

    public FailedLoginClient(World world, string address)
        : this(world.NewVisitor(), world, address)
    {
    }

    public static Task<World> StartWorldAsync(string limit = "10/5m", Action<WorldOptions>? configure = null) => World.StartAsync(options =>
    {
        options.Settings["GATEWAY_TRUSTED_PROXIES"] = "127.0.0.1,::1";
        options.Settings["GATEWAY_FAILED_LOGINS"] = limit;
        configure?.Invoke(options);
    });

    public Task<Page> WithTokenAsync(string token, string path = "/api/documents/") =>
        SendAsync(HttpMethod.Get, path, null, ("Authorization", $"Token {token}"));

    public Task<Page> WithBasicAsync(string name, string password) => SendAsync(
        HttpMethod.Get,
        "/api/documents/",
        null,
        ("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}"))));

    public Task<Page> GetTokenAsync(string name, string password) =>
        SendAsync(HttpMethod.Post, "/api/token/", PaperlessClient.Json($$"""{"username":"{{name}}","password":"{{password}}"}"""));

    /// <summary>Asks for a token with the bytes of a body.</summary>
    public async Task<Page> SendBytesAsync(string type, byte[] body, bool chunked = false)
    {
        using ByteArrayContent content = new(body) { Headers = { ContentType = MediaTypeHeaderValue.Parse(type) } };
        return await SendAsync(HttpMethod.Post, "/api/token/", content, chunked ? [("Transfer-Encoding", "chunked")] : []);
    }

    /// <summary>Fills in Paperless's login page, or that of its admin.</summary>
    public async Task<Page> FillInAsync(string name, string password, string path = "/accounts/login/")
    {
        if (visitor.Cookie("csrftoken") is null)
        {
            await visitor.OpenAsync(path + "?password");
        }

        using FormUrlEncodedContent form = new(new Dictionary<string, string>
        {
            ["csrfmiddlewaretoken"] = visitor.Cookie("csrftoken")!,
            [path == "/accounts/login/" ? "login" : "username"] = name,
            ["password"] = password,
        });
        return await SendAsync(
            HttpMethod.Post,
            path,
            form,
            ("Origin", world.Origin),
            ("Sec-Fetch-Site", "same-origin"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "document"));
    }

    public Task<Page> SendAsync(HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers) =>
        visitor.SendAsync(method, path, content, [("X-Forwarded-For", address), .. headers]);

    /// <summary>Fails so often with wrong tokens, or with wrong passwords for a name: each time with another one.</summary>
    public async Task FailAsync(int times, string? name = null)
    {
        for (int time = 0; time < times; time++)
        {
            int number = Interlocked.Increment(ref _guesses);
            Page page = await (name is null ? WithTokenAsync($"wrong-{number}") : GetTokenAsync(name, $"wrong-{number}"));
            Assert.Equal(name is null ? 401 : 400, (int)page.Status);
        }
    }

    public void Dispose() => visitor.Dispose();
}
