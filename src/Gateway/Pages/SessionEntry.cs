using System.Text.Json.Serialization;
using Gateway.Sessions;

namespace Gateway.Pages;

/// <summary>A session in the list at `/gateway/sessions`.</summary>
/// <param name="Id">Identifies the session and gives no access.</param>
/// <param name="Current">Whether it is the session of this request.</param>
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
    /// <summary>Only the page shows it.</summary>
    internal PageText DeviceText => DeviceTextOf(UserAgent);

    internal static PageText DeviceTextOf(string userAgent) => DeviceName.Read(userAgent) switch
    {
        ({ } browser, { } system) => $"{browser} on {system}",
        _ when string.IsNullOrWhiteSpace(userAgent) => DeviceName.Unknown,
        _ => PageText.Verbatim(DeviceName.From(userAgent)),
    };

    internal static SessionEntry From(ListedSession session, SessionKey current) => new(
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
