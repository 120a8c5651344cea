using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>An account link in the output of `Gateway accounts`.</summary>
/// <param name="Username">Null if the user is gone or Paperless does not answer.</param>
/// <param name="Label">The user name at the provider, if the link waits for a first sign-in.</param>
/// <param name="Issuer">Null if the link waits for a first sign-in.</param>
/// <param name="Subject">Null if the link waits for a first sign-in.</param>
internal sealed record LinkedAccount(int UserId, string? Username, string Provider, string Label, string? Issuer, string? Subject, DateTimeOffset LinkedAt)
{
    /// <summary>How long the link waits for a first sign-in; null if it does not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? ExpiresAt { get; init; }

    public static LinkedAccount From(PendingLink pending, string? username) =>
        new(pending.UserId, username, pending.Provider, pending.ProviderUser, null, null, pending.CreatedAt) { ExpiresAt = pending.ExpiresAt };

    public static LinkedAccount From(AccountLink link, string? username) =>
        new(link.UserId, username, link.Provider, link.Label, link.Issuer, link.Subject, link.LinkedAt);
}

/// <summary>Writes links as JSON or as a table.</summary>
internal static class LinkedAccountText
{
    /// <summary>Writes what a command has done.</summary>
    public static Task WriteResultAsync(LinkedAccount account, string text, bool json) =>
        Console.Out.WriteLineAsync(json ? Json(account) : Terminal.ReplaceControlCharacters(text));

    private static readonly string[] Head = ["USER", "NAME", "PROVIDER", "LABEL", "ISSUER", "SUBJECT", "LINKED AT"];

    private static readonly string[] PendingHead = ["USER", "NAME", "PROVIDER", "PROVIDER USER", "EXPIRES"];

    public static string Json(LinkedAccount account) => JsonSerializer.Serialize(account, LinkedAccountJson.Default.LinkedAccount);

    public static string Json(LinkedAccount[] accounts) => JsonSerializer.Serialize(accounts, LinkedAccountJson.Default.LinkedAccountArray);

    /// <param name="missingName">The text in place of a missing user name.</param>
    public static string Table(IEnumerable<LinkedAccount> accounts, string missingName) => Terminal.Table(Head, accounts.Select(account => new[]
    {
        account.UserId.ToString(CultureInfo.InvariantCulture),
        account.Username ?? missingName,
        account.Provider,
        account.Label,
        account.Issuer ?? "",
        account.Subject ?? "",
        Terminal.Time(account.LinkedAt),
    }));

    public static string PendingTable(IEnumerable<LinkedAccount> accounts, string missingName) =>
        Terminal.Table(PendingHead, accounts.Select(account => new[]
        {
            account.UserId.ToString(CultureInfo.InvariantCulture),
            account.Username ?? missingName,
            account.Provider,
            account.Label,
            Terminal.Time(account.ExpiresAt!.Value),
        }));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(LinkedAccount))]
[JsonSerializable(typeof(LinkedAccount[]))]
internal sealed partial class LinkedAccountJson : JsonSerializerContext;
