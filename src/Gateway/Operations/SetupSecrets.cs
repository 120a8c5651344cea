using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gateway.Operations;

/// <summary>The secrets of an installation, and the client ID. A provider and a Paperless that run know them, so `setup` keeps those that it finds.</summary>
/// <param name="ClientSecret">Null where only the provider can make it.</param>
/// <param name="Token">An API token of Paperless; null while there is none.</param>
/// <param name="Kept">What was found and not made, in words.</param>
internal sealed record SetupSecrets(string ClientId, string? ClientSecret, string Password, string SecretKey, string? Token, IReadOnlyList<string> Kept)
{
    private const int MaxBytes = 1024 * 1024;

    private const string ClientOfFiles = "the client ID and the client secret";

    /// <summary>New ones; authentik takes the client secret from its blueprint, other providers make one.</summary>
    public static SetupSecrets New(bool isAuthentik) =>
        new(SetupAnswers.ClientId, isAuthentik ? NewSecret() : null, NewSecret(), NewSecret(), Token: null, Kept: []);

    /// <summary>Those of the files that are there, and new ones for what they lack.</summary>
    public static SetupSecrets Find(string directory, SetupAnswers answers)
    {
        SetupSecrets secrets = New(answers.IsAuthentik);
        Dictionary<string, string> gateway = Read(Path.Combine(directory, SetupFiles.GatewayEnvironment));
        Dictionary<string, string> paperless = Read(Path.Combine(directory, SetupFiles.PaperlessEnvironment));
        List<string> kept = [];
        if (Client(gateway.GetValueOrDefault("PAPERLESS_SOCIALACCOUNT_PROVIDERS")) is (string id, string secret))
        {
            secrets = secrets with { ClientId = id, ClientSecret = secret };
            kept.Add(ClientOfFiles);
        }

        // An existing Paperless has its own password and key, and a new one has no token yet.
        if (!answers.IsExisting && (Value(gateway, "PAPERLESS_ADMIN_PASSWORD") ?? Value(paperless, "PAPERLESS_ADMIN_PASSWORD")) is { } password)
        {
            secrets = secrets with { Password = password };
            kept.Add("the administrator's password");
        }

        if (!answers.IsExisting && Value(paperless, "PAPERLESS_SECRET_KEY") is { } key)
        {
            secrets = secrets with { SecretKey = key };
            kept.Add("Paperless's secret key");
        }

        if (answers.IsExisting && Value(gateway, "GATEWAY_PAPERLESS_TOKEN") is { } token)
        {
            secrets = secrets with { Token = token };
            kept.Add("the API token of Paperless");
        }

        return secrets with { Kept = kept };
    }

    /// <summary>The client that authentik has, unless the files name one.</summary>
    public SetupSecrets OrClient((string Id, string Secret)? client) =>
        client is not { } found || Kept.Contains(ClientOfFiles)
            ? this
            : this with { ClientId = found.Id, ClientSecret = found.Secret, Kept = [.. Kept, "the client ID and the client secret that authentik has"] };

    private static (string Id, string Secret)? Client(string? providers)
    {
        try
        {
            JsonNode? app = JsonNode.Parse(providers?.Trim('\'') ?? "null")?["openid_connect"]?["APPS"]?[0];
            return app?["client_id"]?.ToString() is { Length: > 0 } id && app["secret"]?.ToString() is { Length: > 0 } secret && !IsPlace(secret)
                ? (id, secret)
                : null;
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or ArgumentOutOfRangeException)
        {
            return null;
        }
    }

    private static string? Value(Dictionary<string, string> variables, string name) =>
        variables.GetValueOrDefault(name) is { Length: > 0 } value && !IsPlace(value) ? value : null;

    /// <summary>Whether it is a place that the operator fills in.</summary>
    private static bool IsPlace(string value) => value.StartsWith('<');

    private static Dictionary<string, string> Read(string path)
    {
        FileInfo file = new(path);
        Dictionary<string, string> variables = [];
        if (!file.Exists || file.Length > MaxBytes)
        {
            return variables;
        }

        foreach (string[] pair in File.ReadLines(path).Where(line => !line.StartsWith('#')).Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2))
        {
            variables[pair[0].Trim()] = pair[1].Trim();
        }

        return variables;
    }

    private static string NewSecret() => RandomNumberGenerator.GetHexString(64, lowercase: true);
}
