using System.Globalization;
using System.Text.Json.Nodes;

namespace Gateway.StandIns.Authentik;

/// <summary>One list of authentik's API.</summary>
/// <param name="Path">Below /api/v3/.</param>
/// <param name="Rows">The objects.</param>
/// <param name="Key">The field that stands in an object's address.</param>
/// <param name="Required">The fields without which nothing is created.</param>
/// <param name="Unique">The fields that no two objects share.</param>
internal sealed record AuthentikCollection(string Path, List<JsonObject> Rows, string Key, string[] Required, string[] Unique)
{
    private static readonly string[] FilterFields = ["name", "client_id", "slug", "target", "managed"];

    private int _lastNumber;

    public static IEnumerable<AuthentikCollection> All(StandInAuthentik authentik) =>
    [
        new("core/applications/", authentik.Applications, "slug", ["name", "slug"], ["slug", "provider"]),
        new(
            "providers/oauth2/",
            authentik.Providers,
            "pk",
            ["name", "authorization_flow", "invalidation_flow", "redirect_uris"],
            ["name", "client_id"]) { Applications = authentik.Applications },
        new("core/groups/", authentik.Groups, "pk", ["name"], ["name"]),
        new("policies/bindings/", authentik.Bindings, "pk", ["target", "order"], []),
        new("flows/instances/", authentik.Flows, "slug", ["name", "slug"], ["slug"]),
        new("crypto/certificatekeypairs/", authentik.Keys, "pk", ["name"], ["name"]),
        new("propertymappings/provider/scope/", authentik.Mappings, "pk", ["name"], ["name"]),
    ];

    /// <summary>For providers: the applications that may have one.</summary>
    private List<JsonObject>? Applications { get; init; }

    public JsonObject? Find(string key) => Rows.Where(row => row[Key]?.ToString() == key).Select(WithApplication).FirstOrDefault();

    public JsonObject List(IQueryCollection query, int pageSize)
    {
        JsonObject[] all =
        [
            .. Rows.Where(row => FilterFields.All(field => !query.ContainsKey(field) || row[field]?.ToString() == query[field])).Select(WithApplication),
        ];
        int pages = Math.Max(1, (all.Length + pageSize - 1) / pageSize);
        int page = int.TryParse(query["page"], CultureInfo.InvariantCulture, out int asked) ? asked : 1;
        return StandInAuthentik.Row(
            ("pagination", StandInAuthentik.Row(("next", page < pages ? page + 1 : 0), ("current", page), ("total_pages", pages), ("count", all.Length))),
            ("results", new JsonArray([.. all.Skip((page - 1) * pageSize).Take(pageSize).Select(row => row.DeepClone())])));
    }

    public (int Status, JsonNode Answer) Create(JsonObject fields, HashSet<string> unknown)
    {
        JsonObject wrong = StandInAuthentik.Row(
            [.. Required.Where(name => fields[name] is null).Select(name => (name, (JsonNode?)new JsonArray("This field is required.")))]);
        AddDuplicates(wrong, fields, except: null);
        if (wrong.Count > 0)
        {
            return (400, wrong);
        }

        JsonObject row = new() { ["pk"] = Path == "providers/oauth2/" ? ++_lastNumber : Guid.NewGuid().ToString() };
        Copy(fields, row, unknown);
        Rows.Add(row);
        return (201, WithApplication(row).DeepClone());
    }

    public (int Status, JsonNode Answer) Change(JsonObject found, JsonObject fields, HashSet<string> unknown)
    {
        JsonObject row = Rows.Single(one => one["pk"]!.ToString() == found["pk"]!.ToString());
        JsonObject wrong = [];
        AddDuplicates(wrong, fields, row);
        if (wrong.Count > 0)
        {
            return (400, wrong);
        }

        Copy(fields, row, unknown);
        return (200, WithApplication(row).DeepClone());
    }

    private void AddDuplicates(JsonObject wrong, JsonObject fields, JsonObject? except)
    {
        foreach (string name in Unique.Where(name => fields[name] is not null))
        {
            if (Rows.Any(row => row != except && row[name]?.ToString() == fields[name]!.ToString()))
            {
                wrong[name] = new JsonArray("This field must be unique.");
            }
        }
    }

    private static void Copy(JsonObject fields, JsonObject row, HashSet<string> unknown)
    {
        foreach ((string name, JsonNode? value) in fields.Where(field => !unknown.Contains(field.Key)))
        {
            row[name] = value?.DeepClone();
        }
    }

    private JsonObject WithApplication(JsonObject row)
    {
        if (Applications is null)
        {
            return row;
        }

        JsonObject provider = (JsonObject)row.DeepClone();
        provider["assigned_application_slug"] = Applications
            .FirstOrDefault(application => application["provider"]?.ToString() == row["pk"]!.ToString())?["slug"]?.DeepClone();
        return provider;
    }
}
