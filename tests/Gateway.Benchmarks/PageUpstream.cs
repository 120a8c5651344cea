using System.Globalization;
using System.Net;
using System.Text.Json;
using Gateway.StandIns.Paperless;

namespace Gateway.Benchmarks;

/// <summary>The Paperless whose page is measured: the stand-in with the shape of the production interface, or a real one on this machine.</summary>
internal sealed class PageUpstream : IAsyncDisposable
{
    /// <summary>What a static file may be kept for by the stand-in, in place of Paperless's minute, which nobody would wait for so often.</summary>
    public static readonly TimeSpan StandInMaxAge = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    private PageUpstream(Uri address, string token, string person, int documents, StandInPaperless? standIn)
    {
        Address = address;
        Token = token;
        Person = person;
        Documents = documents;
        StandIn = standIn;
    }

    public Uri Address { get; }

    /// <summary>A superuser's API token.</summary>
    public string Token { get; }

    /// <summary>The user name of the person whose page is measured.</summary>
    public string Person { get; }

    public int Documents { get; }

    /// <summary>Null: a real Paperless.</summary>
    public StandInPaperless? StandIn { get; }

    /// <summary>After this time, all copies of static files are old.</summary>
    public TimeSpan Pause => (StandIn is null ? TimeSpan.FromSeconds(60) : StandInMaxAge) + TimeSpan.FromSeconds(1);

    /// <exception cref="InvalidOperationException">The real Paperless cannot be measured; the message says why.</exception>
    public static async Task<PageUpstream> StartAsync(CancellationToken cancel)
    {
        if (Environment.GetEnvironmentVariable("PAPERLESS_UNDER_TEST") is { Length: > 0 } address)
        {
            return await ConnectAsync(address, cancel);
        }

        StandInPaperless standIn = await StandInPaperless.StartAsync(
            new StandInPaperlessOptions
            {
                WithPeople = true,
                WithProductionInterface = true,
                AppLogo = ProductionInterface.LogoPath,
                StaticMaxAge = StandInMaxAge,
            },
            cancel);
        standIn.Data.UpdateUser("alice", user => user with { Permissions = [.. Permissions.All] });
        return new PageUpstream(standIn.Address, standIn.Data.AdminToken, "alice", ProductionInterface.DocumentsOnThePage, standIn);
    }

    public ValueTask DisposeAsync() => StandIn?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static async Task<PageUpstream> ConnectAsync(string address, CancellationToken cancel)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) || uri.Scheme != Uri.UriSchemeHttp || !uri.IsLoopback)
        {
            throw new InvalidOperationException("PAPERLESS_UNDER_TEST must be an http address of this machine, such as http://localhost:8000.");
        }

        if (Environment.GetEnvironmentVariable("PAPERLESS_UNDER_TEST_TOKEN") is not { Length: > 0 } token)
        {
            throw new InvalidOperationException("PAPERLESS_UNDER_TEST needs PAPERLESS_UNDER_TEST_TOKEN, a superuser's API token.");
        }

        string person = Environment.GetEnvironmentVariable("PAPERLESS_UNDER_TEST_USER") is { Length: > 0 } name ? name : "alice";
        using HttpClient client = new(new SocketsHttpHandler { CookieContainer = new CookieContainer(), AllowAutoRedirect = false })
        {
            BaseAddress = uri,
            Timeout = AnswerTimeout,
        };

        // By the token first: the header alone would make the account.
        string query = $"/api/users/?username__iexact={Uri.EscapeDataString(person)}";
        if (await CountAsync(client, query, token, cancel) == 0)
        {
            throw new InvalidOperationException($"Paperless has no account \"{person}\". Make one, or name another in PAPERLESS_UNDER_TEST_USER.");
        }

        using HttpRequestMessage open = new(HttpMethod.Get, "/dashboard");
        open.Headers.Add("Remote-User", person);
        using HttpResponseMessage page = await client.SendAsync(open, cancel);
        if (page.StatusCode != HttpStatusCode.OK)
        {
            throw new InvalidOperationException($"Paperless answers a page with {(int)page.StatusCode}: is PAPERLESS_ENABLE_HTTP_REMOTE_USER set there?");
        }

        int documents = await CountAsync(client, "/api/documents/?page_size=1", token: null, cancel);
        return new PageUpstream(uri, token, person, documents, standIn: null);
    }

    /// <param name="token">Null: by the session that the client has.</param>
    private static async Task<int> CountAsync(HttpClient client, string path, string? token, CancellationToken cancel)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, path);
        request.Headers.Add("Accept", "application/json; version=9");
        if (token is not null)
        {
            request.Headers.Add("Authorization", "Token " + token);
        }

        using HttpResponseMessage answer = await client.SendAsync(request, cancel);
        if (answer.StatusCode != HttpStatusCode.OK)
        {
            string who = token is null ? "the account" : "the token";
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"Paperless answers {who} {(int)answer.StatusCode} at {path}."));
        }

        using JsonDocument list = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(cancel));
        return list.RootElement.GetProperty("count").GetInt32();
    }
}
