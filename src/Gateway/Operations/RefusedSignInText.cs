using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>A refused sign-in in the output of `Gateway accounts list --refused`.</summary>
internal sealed record ListedRefusal(DateTimeOffset RefusedAt, string Provider, string Label, string Issuer, string Subject, string Code, string Reason)
{
    public static ListedRefusal From(RefusedSignIn refused) =>
        new(refused.RefusedAt, refused.Person.Provider, refused.Label, refused.Person.Issuer, refused.Person.Subject, refused.Code, refused.Reason);
}

/// <summary>Writes refused sign-ins as JSON or as a table.</summary>
internal static class RefusedSignInText
{
    private static readonly string[] Head = ["REFUSED AT", "PROVIDER", "LABEL", "ISSUER", "SUBJECT", "CODE", "REASON"];

    public static string Json(IEnumerable<RefusedSignIn> refused) =>
        JsonSerializer.Serialize([.. refused.Select(ListedRefusal.From)], RefusedSignInsJson.Default.ListedRefusalArray);

    public static string Table(IEnumerable<RefusedSignIn> refused) => Terminal.Table(Head, refused.Select(one => new[]
    {
        Terminal.Time(one.RefusedAt),
        one.Person.Provider,
        one.Label,
        one.Person.Issuer,
        one.Person.Subject,
        one.Code,
        one.Reason,
    }));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ListedRefusal[]))]
internal sealed partial class RefusedSignInsJson : JsonSerializerContext;
