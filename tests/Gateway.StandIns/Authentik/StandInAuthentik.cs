using System.Net;
using System.Text.Json.Nodes;

namespace Gateway.StandIns.Authentik;

/// <summary>The part of authentik's API (version 3) that `setup` uses, as its source says: tokens, permissions, pages, errors of fields.</summary>
internal sealed class StandInAuthentik : IAsyncDisposable
{
    /// <summary>The token of a member of "authentik Admins".</summary>
    public const string AdminToken = "admin-api-token";

    /// <summary>The token of a user without any permission.</summary>
    public const string OrdinaryToken = "ordinary-api-token";

    private readonly Dictionary<string, AuthentikCollection> _collections;
    private readonly Lock _lock = new();
    private WebApplication _app = null!;

    private StandInAuthentik() => _collections = AuthentikCollection.All(this).ToDictionary(collection => collection.Path);

    public Uri Address => new(_app.Urls.Single());

    public List<JsonObject> Applications { get; } = [];

    public List<JsonObject> Providers { get; } = [];

    public List<JsonObject> Groups { get; } = [];

    public List<JsonObject> Bindings { get; } = [];

    public List<JsonObject> Flows { get; } =
    [
        .. new[] { "default-provider-authorization-implicit-consent", "default-provider-invalidation-flow", "default-invalidation-flow" }
            .Select(slug => Row(("pk", $"flow:{slug}"), ("slug", slug))),
    ];

    public List<JsonObject> Keys { get; } = [Row(("pk", "key:1"), ("name", "authentik Self-signed Certificate"))];

    /// <summary>The last one stands on a page of its own.</summary>
    public List<JsonObject> Mappings { get; } =
    [
        Row(("pk", "mapping:own"), ("managed", null)),
        .. new[] { "openid", "email", "profile", "offline_access" }
            .Select(scope => Row(("pk", $"mapping:{scope}"), ("managed", $"goauthentik.io/providers/oauth2/scope-{scope}"))),
    ];

    public int PageSize { get; set; } = 3;

    /// <summary>Fields that this version does not know: it ignores them, as Django REST framework does.</summary>
    public HashSet<string> UnknownFields { get; } = [];

    /// <summary>Every request that changed or would change something, as "POST core/groups/".</summary>
    public List<string> Writes { get; } = [];

    public static async Task<StandInAuthentik> StartAsync(CancellationToken ct = default)
    {
        StandInAuthentik authentik = new();
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        authentik._app = builder.Build();
        authentik._app.Run(authentik.AnswerAsync);
        await authentik._app.StartAsync(ct);
        return authentik;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    public static JsonObject Row(params (string Name, JsonNode? Value)[] fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));

    private async Task AnswerAsync(HttpContext http)
    {
        JsonObject? body = http.Request.Method is "POST" or "PATCH" ? (JsonObject?)await JsonNode.ParseAsync(http.Request.Body) : null;
        (int status, JsonNode? answer) = (404, (JsonNode?)null);
        lock (_lock)
        {
            (status, answer) = Answer(http.Request, body);
        }

        http.Response.StatusCode = status;
        if (answer is null)
        {
            // Everything beside the API is authentik's interface.
            http.Response.ContentType = "text/html";
            await http.Response.WriteAsync("<!DOCTYPE html><title>authentik</title>");
            return;
        }

        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(answer.ToJsonString());
    }

    private (int Status, JsonNode? Answer) Answer(HttpRequest request, JsonObject? body)
    {
        string path = request.Path.Value!;
        AuthentikCollection? collection = _collections.Values.FirstOrDefault(one => path.StartsWith($"/api/v3/{one.Path}", StringComparison.Ordinal));
        if (collection is null)
        {
            return (404, null);
        }

        if (Refusal(request) is { } refusal)
        {
            return refusal;
        }

        string key = path[$"/api/v3/{collection.Path}".Length..].TrimEnd('/');
        if (body is not null)
        {
            Writes.Add($"{request.Method} {path["/api/v3/".Length..]}");
        }

        return (request.Method, key) switch
        {
            ("GET", "") => (200, collection.List(request.Query, PageSize)),
            ("POST", "") => collection.Create(body!, UnknownFields),
            ("GET", _) => collection.Find(key) is { } row ? (200, row.DeepClone()) : NotFound(),
            ("PATCH", _) => collection.Find(key) is { } row ? collection.Change(row, body!, UnknownFields) : NotFound(),
            _ => (405, Row(("detail", $"Method \"{request.Method}\" not allowed."))),
        };
    }

    /// <summary>Its token authentication names no WWW-Authenticate, so Django REST framework answers 403 and never 401.</summary>
    private static (int Status, JsonNode Answer)? Refusal(HttpRequest request)
    {
        string header = request.Headers.Authorization.ToString();
        if (header.Length == 0)
        {
            return (403, Row(("detail", "Authentication credentials were not provided.")));
        }

        return header switch
        {
            $"Bearer {AdminToken}" => null,
            $"Bearer {OrdinaryToken}" => (403, Row(("detail", "You do not have permission to perform this action."))),
            _ when header.StartsWith("Bearer ", StringComparison.Ordinal) => (403, Row(("detail", "Token invalid/expired"))),
            _ => (403, Row(("detail", "Unsupported authentication type"))),
        };
    }

    private static (int Status, JsonNode Answer) NotFound() => (404, Row(("detail", "No object matches the given query.")));
}
