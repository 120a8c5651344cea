using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Gateway.Settings;

/// <summary>A variable as the admin page shows it.</summary>
/// <param name="Name">The variable; with `_FILE` if its value is in a file.</param>
/// <param name="Value">For a secret, only the fact that it is set.</param>
internal sealed record ShownSetting(string Name, string Value);

/// <summary>Reads what the admin page shows of the environment. Read the other settings first.</summary>
internal sealed partial class ShownSettingsReader(Variables variables)
{
    /// <summary>In place of a value that is secret, or may be.</summary>
    public const string Secret = "(set)";

    private const int MaxLength = 2000;

    /// <summary>A variable with one of these words in its name is secret, …</summary>
    private static readonly string[] SecretWords = ["TOKEN", "SECRET", "PASS", "KEY", "CREDENTIAL", "REDIS", "HEADERS", "DSN"];

    /// <summary>… except these.</summary>
    private static readonly FrozenSet<string> NotSecret = FrozenSet.Create("GATEWAY_PAPERLESS_TOKENS", "GATEWAY_ID_TOKEN_ALGORITHMS");

    /// <summary>The members of the providers' JSON that are no secrets. All others, known or not, are taken for secrets.</summary>
    private static readonly FrozenSet<string> OpenMembers = FrozenSet.Create(
        "provider_id", "name", "client_id", "server_url", "OAUTH_PKCE_ENABLED", "SCOPE", "uid_field", "fetch_userinfo", "token_auth_method", "max_age",
        "acr_values", "prompt");

    private static readonly JsonWriterOptions Readable = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Every variable that is set and that the gateway has read, by name.</summary>
    public ImmutableArray<ShownSetting> Read() =>
    [
        .. variables.Known.Where(name => variables.Text(name) is not null).Order(StringComparer.Ordinal)
            .Select(name => new ShownSetting(variables.Source(name), Shown(name, variables.Text(name)!))),
    ];

    private static string Shown(string name, string value)
    {
        if (name == "PAPERLESS_SOCIALACCOUNT_PROVIDERS")
        {
            return ProvidersWithoutSecrets(value);
        }

        if (!NotSecret.Contains(name) && SecretWords.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase)))
        {
            return Secret;
        }

        string shown = WithoutCredentials(value);
        return shown.Length > MaxLength ? shown[..MaxLength] + "…" : shown;
    }

    /// <summary>The user name, the password and the query of an address may give access to what is there.</summary>
    private static string WithoutCredentials(string value) => Query().Replace(UserInfo().Replace(value, "//…@"), "?…");

    private static string ProvidersWithoutSecrets(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(
                json, new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
            using MemoryStream text = new();
            using (Utf8JsonWriter writer = new(text, Readable))
            {
                Write(writer, document.RootElement, isOpen: false);
            }

            return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return Secret;
        }
    }

    private static void Write(Utf8JsonWriter writer, JsonElement element, bool isOpen)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (JsonProperty member in element.EnumerateObject())
                {
                    writer.WritePropertyName(member.Name);
                    Write(writer, member.Value, OpenMembers.Contains(member.Name));
                }

                writer.WriteEndObject();
                break;

            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (JsonElement entry in element.EnumerateArray())
                {
                    Write(writer, entry, isOpen);
                }

                writer.WriteEndArray();
                break;

            case JsonValueKind.String when isOpen:
                writer.WriteStringValue(WithoutCredentials(element.GetString()!));
                break;

            case JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null:
                element.WriteTo(writer);
                break;

            case JsonValueKind.Number when isOpen:
                element.WriteTo(writer);
                break;

            default:
                writer.WriteStringValue(Secret);
                break;
        }
    }

    [GeneratedRegex("//[^/\\s\"]*@")]
    private static partial Regex UserInfo();

    [GeneratedRegex("(?<=://[^\\s\"?]*)\\?[^\\s\",]+")]
    private static partial Regex Query();
}
