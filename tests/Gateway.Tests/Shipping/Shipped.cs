using Gateway.Settings;
using YamlDotNet.RepresentationModel;

namespace Gateway.Tests.Shipping;

/// <summary>The files that a self-hoster gets, read as their readers read them.</summary>
internal static class Shipped
{
    /// <summary>Variables in the shared file that Paperless alone reads.</summary>
    public static readonly IReadOnlySet<string> PaperlessOwn = new HashSet<string>
    {
        "PAPERLESS_AUTO_LOGIN_USERNAME",
        "PAPERLESS_DEBUG",
        "PAPERLESS_OCR_LANGUAGE",
        "PAPERLESS_SECRET_KEY",
        "PAPERLESS_TIME_ZONE",
    };

    public static Dockerfile Dockerfile { get; } = Dockerfile.Parse(Text("Dockerfile"));

    public static YamlMappingNode Compose { get; } = Yaml(Text("compose.yaml"));

    public static YamlMappingNode Blueprint { get; } = Yaml(Text("config/authentik/paperless-gateway.yaml"));

    public static YamlMappingNode Services { get; } = (YamlMappingNode)Compose["services"];

    /// <summary>`config/gateway.env.example`, its placeholders filled in.</summary>
    public static IReadOnlyDictionary<string, string> GatewayEnvironment { get; } = Filled("config/gateway.env.example", commented: false);

    /// <summary>The same with every suggestion that stands behind a # taken up.</summary>
    public static IReadOnlyDictionary<string, string> GatewayEnvironmentAndSuggestions { get; } = Filled("config/gateway.env.example", commented: true);

    public static IReadOnlyDictionary<string, string> AuthentikEnvironment { get; } = Filled("config/authentik.env.example", commented: false);

    public static string Text(string path) => File.ReadAllText(Path.Combine(Repository.Root, path));

    public static YamlMappingNode Yaml(string text)
    {
        YamlStream stream = [];
        stream.Load(new StringReader(text));
        return (YamlMappingNode)Assert.Single(stream.Documents).RootNode;
    }

    public static (GatewaySettings Settings, IReadOnlyList<string> Warnings) Read(IEnumerable<KeyValuePair<string, string>> environment) =>
        new GatewaySettingsReader(new ConfigurationBuilder()
            .AddInMemoryCollection(environment.Select(variable => KeyValuePair.Create(variable.Key, (string?)variable.Value)))
            .Build()).Read();

    /// <summary>What each side gets: the shared file and, stronger than it, what the Compose file sets.</summary>
    public static Dictionary<string, string> With(this IReadOnlyDictionary<string, string> file, IEnumerable<KeyValuePair<string, string>> stronger)
    {
        Dictionary<string, string> both = new(file);
        foreach ((string name, string value) in stronger)
        {
            both[name] = value;
        }

        return both;
    }

    /// <summary>`NAME=value` lines without quotes, which Compose, docker run and systemd read alike.</summary>
    public static Dictionary<string, string> Filled(string path, bool commented)
    {
        Dictionary<string, string> variables = [];
        foreach (string line in Text(path).Split('\n'))
        {
            string assignment = commented && line.StartsWith('#') && !line.StartsWith("# ", StringComparison.Ordinal) ? line[1..] : line;
            if (assignment.Length > 0 && !assignment.StartsWith('#'))
            {
                int equals = assignment.IndexOf('=', StringComparison.Ordinal);
                variables.Add(assignment[..equals], Fill(assignment[(equals + 1)..]));
            }
        }

        return variables;
    }

    private static string Fill(string value) => value
        .Replace("<random text>", "0123456789abcdef", StringComparison.Ordinal)
        .Replace("<api token>", "0123456789abcdef0123456789abcdef01234567", StringComparison.Ordinal)
        .Replace("<database password>", "a-database-password", StringComparison.Ordinal)
        .Replace("<client secret>", "a-client-secret", StringComparison.Ordinal);
}
