using System.Collections.Immutable;

namespace Gateway.StandIns.Paperless;

/// <summary>A user; without a password only the header, a session or a token lets them in.</summary>
internal sealed record StandInUser(int Id, string Name)
{
    /// <summary>Empty after the API or the user header made the user: Django calls that usable, although no password matches. Null: unusable.</summary>
    public string? Password { get; init; } = "";
    public string Email { get; init; } = "";
    public string FirstName { get; init; } = "";
    public string LastName { get; init; } = "";
    public bool IsStaff { get; init; }
    public bool IsActive { get; init; } = true;
    public bool IsSuperuser { get; init; }
    public ImmutableArray<int> Groups { get; init; } = [];
    public ImmutableArray<string> Permissions { get; init; } = [];
    public ImmutableArray<SocialAccount> SocialAccounts { get; init; } = [];
    public string? Token { get; init; }
    public DateTimeOffset Joined { get; init; }
}

internal sealed record StandInGroup(int Id, string Name, ImmutableArray<string> Permissions);

internal sealed record SocialAccount(int Id, string Provider, string Name);

/// <summary>A row of Django's session table. ByHeader: made by Remote-User, so another name in the header ends it.</summary>
internal sealed record PaperlessSession(string Key, int UserId, bool ByHeader, string? PasswordThen, DateTimeOffset Expires)
{
    public static readonly TimeSpan Age = TimeSpan.FromSeconds(1_814_400);
}

internal sealed record PaperlessDocument(int Id, string Title, int? Owner, byte[] Content, DateTimeOffset Created)
{
    public string FileName => $"{Title}.pdf";
}

internal sealed record ShareLink(string Slug, int DocumentId, DateTimeOffset? Expires)
{
    /// <summary>The file of a bundle of documents; null: the link is to one document.</summary>
    public byte[]? Zip { get; init; }
}

/// <summary>An upload as it arrived. The content is hashed and thrown away.</summary>
internal sealed record PaperlessUpload(string TaskId, string By, string FileName, long Length, string Sha256, string? Title);
