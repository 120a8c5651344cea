using System.Text.Json.Serialization;
using Gateway.PasswordSessions;
using Gateway.Sessions;

namespace Gateway.Pages;

/// <summary>The current session at `/gateway/session`, as a page and as JSON.</summary>
public sealed record SessionView(
    string Username,
    string? Provider,
    string? Issuer,
    string? Subject,
    IReadOnlyList<string>? Groups,
    string? GroupsSource,
    bool? Superuser,
    DateTimeOffset? SignedInAt,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset CheckedAt)
{
    /// <summary>Only the page shows it.</summary>
    [JsonIgnore]
    public string? Name { get; init; }

    internal static SessionView From(Session session) => new(
        session.Identity.Username,
        session.Identity.Provider,
        session.Identity.Issuer,
        session.Identity.Subject,
        session.Identity.Groups,
        session.Identity.GroupsSource,
        session.Identity.Superuser,
        session.SignedInAt,
        session.ExpiresAt,
        session.CheckedAt)
    {
        Name = session.Identity.Name,
    };

    /// <summary>A password sign-in at Paperless: there is no provider, and only Paperless knows when it began.</summary>
    internal static SessionView From(PasswordSession session) =>
        new(session.Username, null, null, null, null, null, session.IsSuperuser, null, null, session.CheckedAt);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SessionView))]
internal sealed partial class SessionViewJson : JsonSerializerContext;
