using System.Collections.Immutable;

namespace Gateway.StandIns.Paperless;

/// <summary>Everything the stand-in remembers. Records are immutable; a change replaces one under the lock.</summary>
internal sealed class PaperlessData(StandInPaperlessOptions options)
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<int, StandInUser> _users = [];
    private readonly SortedDictionary<int, StandInGroup> _groups = [];
    private readonly SortedDictionary<int, PaperlessDocument> _documents = [];
    private readonly Dictionary<string, PaperlessSession> _sessions = [];
    private readonly Dictionary<string, ShareLink> _shareLinks = [];
    private readonly List<PaperlessUpload> _uploads = [];
    private int _lastUser, _lastGroup, _lastDocument, _lastSocialAccount;
    private int _passwordChecks;

    public DateTimeOffset Now => options.Time.GetUtcNow();

    public IReadOnlyList<StandInUser> Users => Locked(() => _users.Values.ToArray());
    public IReadOnlyList<StandInGroup> Groups => Locked(() => _groups.Values.ToArray());
    public IReadOnlyList<PaperlessDocument> Documents => Locked(() => _documents.Values.ToArray());
    public IReadOnlyList<PaperlessSession> Sessions => Locked(() => _sessions.Values.ToArray());
    public IReadOnlyList<PaperlessUpload> Uploads => Locked(() => _uploads.ToArray());

    /// <summary>How often somebody's password was compared with one that came in, right or wrong.</summary>
    public int PasswordChecks => Volatile.Read(ref _passwordChecks);

    public void CountPasswordCheck() => Interlocked.Increment(ref _passwordChecks);

    /// <summary>The API token of the superuser <c>admin</c>.</summary>
    public string AdminToken => TokenOf("admin");

    /// <summary>Django does not count its own two users, and the users API does not list them.</summary>
    public static bool IsHidden(StandInUser user) => user.Name is "consumer" or "AnonymousUser";

    public bool IsFresh => Locked(() => _documents.Count == 0 && _users.Values.All(IsHidden));

    public StandInUser AddUser(string name, Func<StandInUser, StandInUser>? with = null) => Locked(() =>
    {
        if (FindUser(name) is not null)
        {
            throw new ArgumentException($"There is a user {name} already.", nameof(name));
        }

        StandInUser user = new StandInUser(++_lastUser, name) { Joined = Now };
        return _users[user.Id] = with?.Invoke(user) ?? user;
    });

    /// <summary>An ordinary user who can open the page.</summary>
    public StandInUser AddPerson(string name, params IEnumerable<string> morePermissions) =>
        AddUser(name, user => user with { Permissions = [.. Permissions.UiSettings, .. morePermissions] });

    public StandInUser FindOrAddUser(string name) => Locked(() => FindUser(name) ?? AddUser(name));

    public StandInUser? FindUser(string name) =>
        Locked(() => _users.Values.FirstOrDefault(user => user.Name == name));

    public StandInUser? FindUser(int id) => Locked(() => _users.GetValueOrDefault(id));

    public StandInUser? FindUserByToken(string token) =>
        Locked(() => _users.Values.FirstOrDefault(user => user.Token == token));

    public StandInUser? UpdateUser(int id, Func<StandInUser, StandInUser> change) =>
        Locked(() => _users.TryGetValue(id, out StandInUser? user) ? _users[id] = change(user) : null);

    public StandInUser? UpdateUser(string name, Func<StandInUser, StandInUser> change) =>
        Locked(() => FindUser(name) is { } user ? UpdateUser(user.Id, change) : null);

    public bool RemoveUser(int id) => Locked(() => _users.Remove(id));

    /// <summary>The user's API token, made if there is none.</summary>
    public string TokenOf(string userName) => Locked(() =>
        UpdateUser(userName, user => user with { Token = user.Token ?? RandomText.Hex(40) })?.Token
        ?? throw new ArgumentException($"There is no user {userName}.", nameof(userName)));

    public StandInGroup AddGroup(string name, params IEnumerable<string> permissions) => Locked(() =>
    {
        StandInGroup group = new StandInGroup(++_lastGroup, name, [.. permissions]);
        return _groups[group.Id] = group;
    });

    public StandInGroup? FindGroup(string name) =>
        Locked(() => _groups.Values.FirstOrDefault(group => group.Name == name));

    public StandInGroup? FindGroup(int id) => Locked(() => _groups.GetValueOrDefault(id));

    public bool RemoveGroup(int id) => Locked(() =>
    {
        foreach (StandInUser? user in _users.Values.ToArray())
        {
            _users[user.Id] = user with { Groups = user.Groups.Remove(id) };
        }

        return _groups.Remove(id);
    });

    /// <summary>The names of the groups a user is in, in the order of the alphabet.</summary>
    public IReadOnlyList<string> GroupsOf(string userName) => Locked(() =>
        FindUser(userName)?.Groups.Select(id => _groups[id].Name).Order(StringComparer.Ordinal).ToArray() ?? []);

    public ImmutableSortedSet<string> GroupPermissionsOf(StandInUser user) => Locked(() =>
        user.Groups.SelectMany(id => _groups[id].Permissions).ToImmutableSortedSet(StringComparer.Ordinal));

    public ImmutableSortedSet<string> PermissionsOf(StandInUser user) => user.IsSuperuser
        ? Permissions.All.ToImmutableSortedSet(StringComparer.Ordinal)
        : GroupPermissionsOf(user).Union(user.Permissions);

    public SocialAccount AddSocialAccount(string userName, string provider, string name) => Locked(() =>
    {
        SocialAccount account = new SocialAccount(++_lastSocialAccount, provider, name);
        UpdateUser(userName, user => user with { SocialAccounts = user.SocialAccounts.Add(account) });
        return account;
    });

    public PaperlessSession OpenSession(StandInUser user, bool byHeader = false) => Locked(() =>
    {
        PaperlessSession session = new PaperlessSession(
            RandomText.LowerAlphanumeric(32), user.Id, byHeader, user.Password, Now + PaperlessSession.Age);
        return _sessions[session.Key] = session;
    });

    public PaperlessSession? FindSession(string key) =>
        Locked(() => _sessions.TryGetValue(key, out PaperlessSession? session) && session.Expires > Now ? session : null);

    public IReadOnlyList<PaperlessSession> SessionsOf(string userName) => Locked(() =>
        _sessions.Values.Where(session => session.UserId == FindUser(userName)?.Id).ToArray());

    public bool EndSession(string key) => Locked(() => _sessions.Remove(key));

    public PaperlessDocument AddDocument(string title, int? owner = null) => Locked(() =>
    {
        int id = ++_lastDocument;
        return _documents[id] = new PaperlessDocument(id, title, owner, OnePagePdf.Saying(title), Now);
    });

    public PaperlessDocument? FindDocument(int id) => Locked(() => _documents.GetValueOrDefault(id));

    public PaperlessDocument? UpdateDocument(int id, Func<PaperlessDocument, PaperlessDocument> change) =>
        Locked(() => _documents.TryGetValue(id, out PaperlessDocument? document) ? _documents[id] = change(document) : null);

    public ShareLink AddShareLink(string slug, int documentId, DateTimeOffset? expires = null) =>
        Locked(() => _shareLinks[slug] = new ShareLink(slug, documentId, expires));

    public ShareLink AddShareBundle(string slug, byte[] zip) =>
        Locked(() => _shareLinks[slug] = new ShareLink(slug, 0, Expires: null) { Zip = zip });

    public ShareLink? FindShareLink(string slug) => Locked(() => _shareLinks.GetValueOrDefault(slug));

    public void AddUpload(PaperlessUpload upload) => Locked(() =>
    {
        _uploads.Add(upload);
        return upload;
    });

    private T Locked<T>(Func<T> work)
    {
        lock (_lock)
        {
            return work();
        }
    }
}
