using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>One link, as `Gateway accounts` shows it.</summary>
/// <param name="Username">Null where the user is gone, or Paperless could not be asked.</param>
internal sealed record LinkedAccount(int UserId, string? Username, string Provider, string Label, string Issuer, string Subject, DateTimeOffset LinkedAt)
{
    public static LinkedAccount Of(AccountLink link, string? username) =>
        new(link.UserId, username, link.Provider, link.Label, link.Issuer, link.Subject, link.LinkedAt);
}

/// <summary>Links as JSON, and as a table to read.</summary>
internal static class LinkedAccountText
{
    private static readonly string[] Head = ["USER", "NAME", "PROVIDER", "LABEL", "ISSUER", "SUBJECT", "LINKED AT"];

    public static string Json(LinkedAccount account) => JsonSerializer.Serialize(account, LinkedAccountJson.Default.LinkedAccount);

    public static string Json(LinkedAccount[] accounts) => JsonSerializer.Serialize(accounts, LinkedAccountJson.Default.LinkedAccountArray);

    /// <param name="nameless">Stands where there is no user name.</param>
    public static string Table(IEnumerable<LinkedAccount> accounts, string nameless) => Terminal.Table(Head, accounts.Select(account => new[]
    {
        account.UserId.ToString(CultureInfo.InvariantCulture),
        account.Username ?? nameless,
        account.Provider,
        account.Label,
        account.Issuer,
        account.Subject,
        Terminal.Time(account.LinkedAt),
    }));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(LinkedAccount))]
[JsonSerializable(typeof(LinkedAccount[]))]
internal sealed partial class LinkedAccountJson : JsonSerializerContext;
