using System.Globalization;
using System.Text.Json.Serialization;

namespace Gateway.Paperless;

/// <summary>A user as Paperless's `/api/users/` shows it.</summary>
/// <remarks>What has no default must be there: an answer without it is not believed, or it would be taken for "none".</remarks>
/// <param name="DateJoined">As Paperless wrote it; it never changes, and tells two users of one id apart.</param>
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

    /// <summary>Whether this is the user that joined then; with another `PAPERLESS_TIME_ZONE` the same moment is written differently.</summary>
    /// <param name="then">`date_joined` as it was noted; empty where it was not known.</param>
    public bool JoinedAt(string then) =>
        !DateTimeOffset.TryParse(then, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset noted)
        || !DateTimeOffset.TryParse(DateJoined, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset joined)
        || (noted - joined).Duration() < Rounding;
}

internal sealed record PaperlessGroup(int Id, string Name);

/// <summary>What is sent to make or to change a user; what is null is left as it is.</summary>
internal sealed record PaperlessUserChange
{
    public string? Username { get; init; }

    public string? Email { get; init; }

    public string? FirstName { get; init; }

    public string? LastName { get; init; }

    public bool? IsStaff { get; init; }

    public bool? IsSuperuser { get; init; }

    /// <summary>Ids; Paperless replaces the whole set.</summary>
    public IReadOnlyList<int>? Groups { get; init; }

    /// <summary>Bare codenames.</summary>
    public IReadOnlyList<string>? UserPermissions { get; init; }

    [JsonIgnore]
    public bool IsNothing => this == new PaperlessUserChange();
}

internal sealed record NewPaperlessGroup(string Name, IReadOnlyList<string> Permissions);

internal sealed record TokenRequest(string Username, string Password);

internal sealed record TokenAnswer(string Token);

/// <summary>`/api/ui_settings/`: who is asking.</summary>
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
[JsonSerializable(typeof(TokenRequest))]
[JsonSerializable(typeof(TokenAnswer))]
[JsonSerializable(typeof(UiSettings))]
[JsonSerializable(typeof(ListPage<PaperlessUser>))]
[JsonSerializable(typeof(ListPage<PaperlessGroup>))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
internal sealed partial class PaperlessJson : JsonSerializerContext;
