using System.Text.Json.Serialization;
using Gateway.Sessions;

namespace Gateway.Pages;

/// <summary>One of one's own sessions at `/gateway/sessions`.</summary>
/// <param name="Id">Names the session and opens nothing.</param>
/// <param name="Current">Whether it is the one that asks.</param>
public sealed record SessionEntry(
    string Id,
    string Device,
    string UserAgent,
    string Address,
    DateTimeOffset SignedInAt,
    DateTimeOffset UsedAt,
    DateTimeOffset ExpiresAt,
    bool Current)
{
    internal static SessionEntry Of(ListedSession session, SessionKey current) => new(
        session.Id,
        session.Device,
        session.Info.Device,
        session.Info.Address,
        session.Info.SignedInAt,
        session.UsedAt,
        session.ExpiresAt,
        session.Key == current);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<SessionEntry>))]
internal sealed partial class SessionEntryJson : JsonSerializerContext;
