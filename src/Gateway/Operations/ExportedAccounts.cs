using System.Text.Json;

namespace Gateway.Operations;

/// <summary>A link of Paperless's own OpenID Connect (allauth's `SocialAccount`), as `manage.py dumpdata socialaccount.socialaccount` prints it.</summary>
/// <param name="Provider">The `provider_id`.</param>
/// <param name="Uid">The subject.</param>
/// <param name="Issuer">From the stored ID token; null where Paperless stored none.</param>
internal sealed record ExportedAccount(int UserId, string Provider, string Uid, string? Issuer)
{
    public override string ToString() => $"{Uid} at {Provider}, user {UserId}";
}

/// <summary>Reads the output of `manage.py dumpdata`.</summary>
internal static class ExportedAccounts
{
    private const string Model = "socialaccount.socialaccount";

    /// <summary>Some kilobytes for each account: the claims and the ID token.</summary>
    private const int MaxBytes = 32 * 1024 * 1024;

    /// <exception cref="InvalidDataException">It is not that output.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static async Task<IReadOnlyList<ExportedAccount>> ReadAsync(string file)
    {
        await using Stream stream = file == "-" ? Console.OpenStandardInput() : File.OpenRead(file);
        using MemoryStream read = new();
        byte[] buffer = new byte[64 * 1024];
        for (int count = await stream.ReadAsync(buffer); count > 0; count = await stream.ReadAsync(buffer))
        {
            read.Write(buffer, 0, count);
            if (read.Length > MaxBytes)
            {
                throw new InvalidDataException($"it is larger than {MaxBytes / 1024 / 1024} MiB");
            }
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(read.GetBuffer().AsMemory(0, (int)read.Length));
            return document.RootElement.ValueKind == JsonValueKind.Array
                ? [.. document.RootElement.EnumerateArray().Select(Parse)]
                : throw new InvalidDataException("it is no JSON list");
        }
        catch (JsonException)
        {
            throw new InvalidDataException("it is no JSON");
        }
    }

    private static ExportedAccount Parse(JsonElement row)
    {
        if (row.ValueKind == JsonValueKind.Object
            && Text(row, "model") == Model
            && row.TryGetProperty("fields", out JsonElement fields)
            && fields.ValueKind == JsonValueKind.Object
            && fields.TryGetProperty("user", out JsonElement user)
            && user.ValueKind == JsonValueKind.Number
            && user.TryGetInt32(out int userId)
            && Text(fields, "provider") is { Length: > 0 } provider
            && Text(fields, "uid") is { Length: > 0 } uid)
        {
            return new ExportedAccount(userId, provider, uid, Issuer(fields));
        }

        throw new InvalidDataException($"an entry is no {Model} with user, provider and uid");
    }

    private static string? Issuer(JsonElement fields) =>
        fields.TryGetProperty("extra_data", out JsonElement extra) && extra.ValueKind == JsonValueKind.Object
        && extra.TryGetProperty("id_token", out JsonElement token) && token.ValueKind == JsonValueKind.Object
            ? Text(token, "iss")
            : null;

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
