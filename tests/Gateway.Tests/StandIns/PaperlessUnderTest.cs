using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.StandIns.Paperless;
using static Gateway.Tests.StandIns.PaperlessClient;

namespace Gateway.Tests.StandIns;

/// <summary>Which Paperless a contract test asks.</summary>
public enum Installation
{
    StandIn,

    /// <summary>The stand-in with PAPERLESS_ENABLE_HTTP_REMOTE_USER_API.</summary>
    StandInWithRemoteUserApi,

    /// <summary>The one at PAPERLESS_UNDER_TEST.</summary>
    Real,
}

/// <summary>
/// A Paperless that contract tests ask by HTTP alone. Every user and group of a test has a name with the same random beginning: they are
/// deleted after the test, and the test touches nothing else.
/// </summary>
internal sealed class PaperlessUnderTest : IAsyncDisposable
{
    private readonly string _prefix = $"contract-{RandomNumberGenerator.GetHexString(12, lowercase: true)}-";
    private readonly StandInPaperless? _standIn;
    private readonly string? _dataBefore;

    private PaperlessUnderTest(Uri address, string token, StandInPaperless? standIn)
    {
        Client = new PaperlessClient(address, Ct);
        Admin = Token(token);
        _standIn = standIn;
        _dataBefore = DataOf(standIn);
    }

    public PaperlessClient Client { get; }

    /// <summary>The header with a superuser's API token.</summary>
    public (string Name, string Value) Admin { get; }

    /// <summary>Whether Remote-User counts for the API as well (PAPERLESS_ENABLE_HTTP_REMOTE_USER_API).</summary>
    public bool RemoteUserApi { get; private set; }

    /// <summary>The status of a request to the API without a valid credential.</summary>
    public HttpStatusCode Refused => RemoteUserApi ? HttpStatusCode.Forbidden : HttpStatusCode.Unauthorized;

    /// <summary>A password that Django takes.</summary>
    public string Password { get; } = RandomNumberGenerator.GetHexString(20);

    public static async Task<PaperlessUnderTest> StartAsync(Installation installation)
    {
        PaperlessUnderTest paperless = installation == Installation.Real ? ConnectToReal() : await StartStandInAsync(installation);
        using HttpResponseMessage nobody = await paperless.Client.GetAsync("/api/profile/");
        paperless.RemoteUserApi = nobody.StatusCode == HttpStatusCode.Forbidden;
        return paperless;
    }

    /// <summary>A name that no other test and no person has.</summary>
    public string Name(string ending) => _prefix + ending;

    /// <summary>Creates an ordinary user by the API.</summary>
    public async Task<ContractUser> AddUserAsync(string ending, params IEnumerable<(string Field, JsonNode Value)> fields)
    {
        string name = Name(ending);
        string email = $"{name}@example.com";
        JsonObject body = new JsonObject { ["username"] = name, ["email"] = email };
        foreach ((string? field, JsonNode? value) in fields)
        {
            body[field] = value;
        }

        using HttpResponseMessage response = await Client.PostAsync("/api/users/", Json(body.ToJsonString()), Admin);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return new ContractUser((await JsonAsync(response)).GetProperty("id").GetInt32(), name, email);
    }

    /// <returns>The group's id.</returns>
    public async Task<int> AddGroupAsync(string ending)
    {
        using HttpResponseMessage response = await Client.PostAsync("/api/groups/", Json($$"""{"name":"{{Name(ending)}}","permissions":[]}"""), Admin);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return (await JsonAsync(response)).GetProperty("id").GetInt32();
    }

    /// <summary>The user of exactly that name as the API shows it; null where there is none.</summary>
    public async Task<JsonElement?> FindUserAsync(string name) =>
        (await ListAsync(Client, "users", "username", "iexact", name)).Where(user => user.GetProperty("username").GetString() == name)
            .Select(user => (JsonElement?)user)
            .SingleOrDefault();

    public async ValueTask DisposeAsync()
    {
        // Not with the token of the test, which may be cancelled.
        using (PaperlessClient client = new PaperlessClient(Client.Address, CancellationToken.None))
        {
            await DeleteAsync(client, "users", "username");
            await DeleteAsync(client, "groups", "name");
        }

        Client.Dispose();
        if (_standIn is not null)
        {
            Assert.Equal(_dataBefore, DataOf(_standIn));
            await _standIn.DisposeAsync();
        }
    }

    private static async Task<PaperlessUnderTest> StartStandInAsync(Installation installation)
    {
        StandInPaperless standIn = await StandInPaperless.StartAsync(new() { RemoteUserApi = installation == Installation.StandInWithRemoteUserApi }, Ct);
        return new PaperlessUnderTest(standIn.Address, standIn.Data.AdminToken, standIn);
    }

    private static PaperlessUnderTest ConnectToReal()
    {
        string? address = Environment.GetEnvironmentVariable("PAPERLESS_UNDER_TEST");
        string? token = Environment.GetEnvironmentVariable("PAPERLESS_UNDER_TEST_TOKEN");
        Assert.SkipWhen(
            string.IsNullOrEmpty(address) || string.IsNullOrEmpty(token),
            "Set PAPERLESS_UNDER_TEST to the address of a Paperless-ngx and PAPERLESS_UNDER_TEST_TOKEN to a superuser's API token to run this test "
                + "against it.");
        return new PaperlessUnderTest(new Uri(address!), token!, standIn: null);
    }

    /// <summary>What a contract test must leave as it was.</summary>
    private static string? DataOf(StandInPaperless? standIn) => standIn is null
        ? null
        : JsonSerializer.Serialize(new { standIn.Data.Users, standIn.Data.Groups, standIn.Data.Documents, standIn.Data.Uploads });

    private async Task<IEnumerable<JsonElement>> ListAsync(PaperlessClient client, string list, string field, string lookup, string text)
    {
        JsonElement page = await client.JsonAsync($"/api/{list}/?{field}__{lookup}={Uri.EscapeDataString(text)}&page_size=1000", Admin);
        return page.GetProperty("results").EnumerateArray();
    }

    private async Task DeleteAsync(PaperlessClient client, string list, string field)
    {
        foreach (JsonElement item in await ListAsync(client, list, field, "istartswith", _prefix))
        {
            // A filter that Paperless does not know would list everybody.
            if (item.GetProperty(field).GetString()!.StartsWith(_prefix, StringComparison.Ordinal))
            {
                using HttpResponseMessage deleted = await client.SendAsync(HttpMethod.Delete, $"/api/{list}/{item.GetProperty("id")}/", null, Admin);
                Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
            }
        }
    }
}

/// <summary>A user that a contract test made.</summary>
internal sealed record ContractUser(int Id, string Name, string Email)
{
    public string Path => $"/api/users/{Id}/";
}
