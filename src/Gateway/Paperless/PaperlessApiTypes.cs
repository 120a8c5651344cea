using System.Globalization;
using System.Text.Json.Serialization;

namespace Gateway.Paperless;

/// <summary>A user as Paperless's `/api/users/` shows it.</summary>
/// <remarks>Properties without a default are required: a missing one must not be read as "none".</remarks>
/// <param name="DateJoined">As Paperless wrote it. The value never changes and tells two users with one id apart.</param>
internal sealed record PaperlessUser(
    int Id,
    string Username,
    bool IsActive,
    bool IsStaff,
    bool IsSuperuser,
    IReadOnlyList<int> Groups,
    string? Email = null,
    string? FirstName = null,
    string? LastName = null,
    string? DateJoined = null)
{
    private static readonly TimeSpan Rounding = TimeSpan.FromSeconds(1);

    /// <summary>Whether the user joined at the given time; the text of a time depends on `PAPERLESS_TIME_ZONE`.</summary>
    /// <param name="dateJoined">The stored `date_joined`; empty where it is unknown.</param>
    public bool HasJoinedAt(string dateJoined) =>
        !DateTimeOffset.TryParse(dateJoined, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset stored)
        || !DateTimeOffset.TryParse(DateJoined, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset current)
        || (stored - current).Duration() < Rounding;
}

internal sealed record PaperlessGroup(int Id, string Name);

/// <summary>The body of a request that creates or changes a user; null leaves a property unchanged.</summary>
internal sealed record PaperlessUserChange
{
    public string? Username { get; init; }

    public string? Email { get; init; }

    public string? FirstName { get; init; }

    public string? LastName { get; init; }

    public bool? IsStaff { get; init; }

    public bool? IsSuperuser { get; init; }

    /// <summary>Group ids; Paperless replaces the whole set.</summary>
    public IReadOnlyList<int>? Groups { get; init; }

    /// <summary>Codenames without the app label.</summary>
    public IReadOnlyList<string>? UserPermissions { get; init; }

    [JsonIgnore]
    public bool IsNothing => this == new PaperlessUserChange();
}

internal sealed record NewPaperlessGroup(string Name, IReadOnlyList<string> Permissions);

internal sealed record ApiTokenRequest(string Username, string Password);

internal sealed record ApiTokenResponse(string Token);

/// <summary>The response of `/api/ui_settings/`, which names the user of the request.</summary>
internal sealed record UiSettings(UiSettingsUser User);

internal sealed record UiSettingsUser(int Id, string Username, bool IsSuperuser);

/// <summary>One page of a list.</summary>
internal sealed record ListPage<T>(string? Next, IReadOnlyList<T> Results);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(PaperlessUser))]
[JsonSerializable(typeof(PaperlessGroup))]
[JsonSerializable(typeof(PaperlessUserChange))]
[JsonSerializable(typeof(NewPaperlessGroup))]
[JsonSerializable(typeof(ApiTokenRequest))]
[JsonSerializable(typeof(ApiTokenResponse))]
[JsonSerializable(typeof(UiSettings))]
[JsonSerializable(typeof(ListPage<PaperlessUser>))]
[JsonSerializable(typeof(ListPage<PaperlessGroup>))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
internal sealed partial class PaperlessJson : JsonSerializerContext;
