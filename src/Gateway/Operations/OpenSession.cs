using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Sessions;

namespace Gateway.Operations;

/// <summary>A session in the output of `Gateway sessions`.</summary>
internal sealed record OpenSession(
    string Id,
    int UserId,
    string Username,
    string Provider,
    string Issuer,
    string Subject,
    string Device,
    string UserAgent,
    string Address,
    DateTimeOffset SignedInAt,
    DateTimeOffset UsedAt,
    DateTimeOffset ExpiresAt)
{
    private static readonly string[] Head = ["ID", "USER", "PROVIDER", "DEVICE", "ADDRESS", "SIGNED IN AT", "LAST USED AT", "EXPIRES AT"];

    public static string Json(IEnumerable<ListedSession> sessions)
        => JsonSerializer.Serialize([.. sessions.Select(From)], OpenSessionJson.Default.OpenSessionArray);

    public static string Table(IEnumerable<ListedSession> sessions) => Terminal.Table(Head, sessions.Select(session => new[]
    {
        session.Id,
        session.Info.Username,
        session.Info.Provider,
        session.Device,
        session.Info.Address,
        Terminal.Time(session.Info.SignedInAt),
        Terminal.Time(session.UsedAt),
        Terminal.Time(session.ExpiresAt),
    }));

    private static OpenSession From(ListedSession session) => new(
        session.Id,
        session.Info.UserId,
        session.Info.Username,
        session.Info.Provider,
        session.Info.Issuer,
        session.Info.Subject,
        session.Device,
        session.Info.Device,
        session.Info.Address,
        session.Info.SignedInAt,
        session.UsedAt,
        session.ExpiresAt);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(OpenSession[]))]
internal sealed partial class OpenSessionJson : JsonSerializerContext;
