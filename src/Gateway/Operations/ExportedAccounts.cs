using System.Text.Json;

namespace Gateway.Operations;

/// <summary>A link of Paperless's own OpenID Connect (allauth's `SocialAccount`), as `manage.py dumpdata` and `document_exporter` write it.</summary>
/// <param name="Provider">The `provider_id`.</param>
/// <param name="Uid">The subject, unless `uid_field` of the provider's settings names another claim.</param>
/// <param name="Subject">From the stored claims; null where Paperless stored none.</param>
/// <param name="Issuer">From the stored ID token; null where Paperless stored none.</param>
internal sealed record ExportedAccount(int UserId, string Provider, string Uid, string? Subject, string? Issuer)
{
    public override string ToString() => $"{Uid} at {Provider}, user {UserId}";
}

/// <summary>What an export says of the links of Paperless.</summary>
/// <param name="Joined">When each user joined; empty if the export holds no users.</param>
internal sealed record AccountsExport(IReadOnlyList<ExportedAccount> Accounts, IReadOnlyDictionary<int, string> Joined);

/// <summary>
/// Reads the output of `manage.py dumpdata socialaccount.socialaccount`, or `manifest.json` of a `document_exporter`. A passphrase encrypts there the
/// passwords of mail accounts and the tokens, and nothing that is read here.
/// </summary>
internal static class ExportedAccounts
{
    private const string Model = "socialaccount.socialaccount";

    private const string UserModel = "auth.user";

    /// <summary>A manifest holds the text of every document, and is read entry by entry.</summary>
    private const long MaxBytes = 4L * 1024 * 1024 * 1024;

    private const int MaxAccounts = 100_000;

    /// <exception cref="InvalidDataException">It is not that output.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static async Task<AccountsExport> ReadAsync(string file)
    {
        await using Stream stream = file == "-" ? Console.OpenStandardInput() : File.OpenRead(file);
        if (stream.CanSeek && stream.Length > MaxBytes)
        {
            throw new InvalidDataException("it is larger than 4 GiB");
        }

        List<ExportedAccount> accounts = [];
        Dictionary<int, string> joined = [];
        bool hasOthers = false;
        try
        {
            await foreach (JsonElement row in JsonSerializer.DeserializeAsyncEnumerable<JsonElement>(stream))
            {
                string? model = row.ValueKind == JsonValueKind.Object ? Text(row, "model") : null;
                if (model == Model)
                {
                    accounts.Add(Parse(row));
                }
                else if (model == UserModel)
                {
                    AddUser(row, joined);
                }

                hasOthers |= model != Model;
                if (accounts.Count > MaxAccounts || joined.Count > MaxAccounts)
                {
                    throw new InvalidDataException($"it holds more than {MaxAccounts} links or users");
                }
            }
        }
        catch (JsonException)
        {
            throw new InvalidDataException("it is no JSON list");
        }

        return accounts.Count == 0 && hasOthers
            ? throw new InvalidDataException($"it holds no {Model}")
            : new AccountsExport(accounts, joined);
    }

    private static ExportedAccount Parse(JsonElement row)
    {
        if (row.TryGetProperty("fields", out JsonElement fields)
            && fields.ValueKind == JsonValueKind.Object
            && fields.TryGetProperty("user", out JsonElement user)
            && user.ValueKind == JsonValueKind.Number
            && user.TryGetInt32(out int userId)
            && Text(fields, "provider") is { Length: > 0 } provider
            && Text(fields, "uid") is { Length: > 0 } uid)
        {
            (string? subject, string? issuer) = Claims(fields);
            return new ExportedAccount(userId, provider, uid, subject, issuer);
        }

        throw new InvalidDataException($"an entry is no {Model} with user, provider and uid");
    }

    /// <summary>allauth stores `userinfo` and `id_token`; before its version 65.11 it stored the claims of userinfo themselves.</summary>
    private static (string? Subject, string? Issuer) Claims(JsonElement fields)
    {
        if (!fields.TryGetProperty("extra_data", out JsonElement extra) || extra.ValueKind != JsonValueKind.Object)
        {
            return (null, null);
        }

        JsonElement idToken = Object(extra, "id_token") ?? extra;
        JsonElement userInfo = Object(extra, "userinfo") ?? extra;
        return (Text(idToken, "sub") ?? Text(userInfo, "sub"), Text(idToken, "iss"));
    }

    private static void AddUser(JsonElement row, Dictionary<int, string> joined)
    {
        if (row.TryGetProperty("pk", out JsonElement key) && key.ValueKind == JsonValueKind.Number && key.TryGetInt32(out int id)
            && Object(row, "fields") is { } fields && Text(fields, "date_joined") is { } time)
        {
            joined[id] = time;
        }
    }

    private static JsonElement? Object(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Object ? value : null;

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
