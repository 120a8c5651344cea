using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Gateway.StandIns.Provider;

/// <summary>Somebody who can sign in at the development provider.</summary>
internal sealed record Person(string Subject, string Username, string Name, string Email, IReadOnlyList<string> Groups)
{
    /// <summary>Claims of further scope mappings; they come with the <c>profile</c> scope.</summary>
    public JsonObject ExtraClaims { get; init; } = [];

    /// <summary>False once authentik's administrator has deactivated the account.</summary>
    public bool IsActive { get; init; } = true;

    public static IReadOnlyList<Person> Defaults { get; } =
    [
        Named("alice", "Alice Archer", "paperless-users", "family"),
        Named("bob", "Bob Baker", "paperless-users"),
        Named("admin", "Ada Admin", "paperless-users", "paperless-admins"),
    ];

    public static Person Named(string username, string name, params string[] groups) =>
        new(SubjectOf(username), username, name, $"{username}@example.com", groups);

    // authentik's default subject is a 64-digit hash that says nothing about the person.
    private static string SubjectOf(string username) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("development-provider:" + username)));
}
