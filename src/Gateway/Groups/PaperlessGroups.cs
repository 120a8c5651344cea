using Gateway.Paperless;
using Gateway.Settings;

namespace Gateway.Groups;

/// <summary>Paperless's groups by name, cached for a minute.</summary>
internal sealed partial class PaperlessGroups(PaperlessApi api, AccountSettings settings, TimeProvider time, ILogger<SecurityLog> logger) : IDisposable
{
    private static readonly TimeSpan CacheTtl = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _changing = new(1, 1);

    /// <summary>Replaced, never changed: it is read without the lock.</summary>
    private volatile Dictionary<string, int> _ids = [];
    private long _readAtTicks;

    /// <summary>The ids of the groups of these names, as far as Paperless has them.</summary>
    public Task<IReadOnlySet<int>> FindIdsAsync(IReadOnlyList<string> names, CancellationToken cancellationToken) =>
        FindIdsAsync([.. names.Select(name => new GroupEntry([name], null))], mayCreate: false, cancellationToken);

    /// <summary>
    /// The ids of a person's groups. A group that Paperless has under the whole text of an entry goes before the parts of the text.
    /// `GATEWAY_CREATE_GROUPS` creates missing groups, otherwise they are left out.
    /// </summary>
    public Task<IReadOnlySet<int>> FindIdsAsync(IReadOnlyList<GroupEntry> entries, CancellationToken cancellationToken) =>
        FindIdsAsync(entries, settings.CreateGroups, cancellationToken);

    private async Task<IReadOnlySet<int>> FindIdsAsync(IReadOnlyList<GroupEntry> entries, bool mayCreate, CancellationToken cancellationToken)
    {
        HashSet<int> ids = [];
        if (entries.Count == 0)
        {
            return ids;
        }

        await ReadIfOldAsync(cancellationToken);
        foreach (GroupEntry entry in entries)
        {
            if (entry.Whole is { } whole && _ids.TryGetValue(whole.Trim(), out int id))
            {
                ids.Add(id);
                continue;
            }

            foreach (string name in entry.Names)
            {
                ids.UnionWith(await FindIdAsync(name.Trim(), mayCreate && !entry.IsGuess, cancellationToken) is { } found ? [found] : []);
            }
        }

        return ids;
    }

    /// <param name="name">Without spaces around it, which Paperless trims.</param>
    private async Task<int?> FindIdAsync(string name, bool mayCreate, CancellationToken cancellationToken)
    {
        if (_ids.TryGetValue(name, out int id))
        {
            return id;
        }

        if (!mayCreate)
        {
            return null;
        }

        // For each group anew: sign-ins whose groups are there do not wait for one that creates many.
        await _changing.WaitAsync(cancellationToken);
        try
        {
            return _ids.TryGetValue(name, out id) ? id : await CreateAsync(name, cancellationToken);
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>The name of a group, for the log; its number where the name is not known.</summary>
    public string NameOf(int id) => _ids.FirstOrDefault(group => group.Value == id).Key ?? $"group {id}";

    /// <summary>Paperless knows an id no longer: the next question reads anew.</summary>
    public void Forget() => Interlocked.Exchange(ref _readAtTicks, 0);

    public void Dispose() => _changing.Dispose();

    private async Task ReadIfOldAsync(CancellationToken cancellationToken)
    {
        if (IsFresh)
        {
            return;
        }

        await _changing.WaitAsync(cancellationToken);
        try
        {
            if (!IsFresh)
            {
                await ReadAsync(cancellationToken);
            }
        }
        finally
        {
            _changing.Release();
        }
    }

    private bool IsFresh => time.GetUtcNow().UtcTicks - Interlocked.Read(ref _readAtTicks) < CacheTtl.Ticks;

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        _ids = (await api.ListGroupsAsync(cancellationToken)).DistinctBy(group => group.Name)
            .ToDictionary(group => group.Name, group => group.Id, StringComparer.Ordinal);
        Interlocked.Exchange(ref _readAtTicks, time.GetUtcNow().UtcTicks);
    }

    /// <returns>Null where Paperless does not take the name.</returns>
    private async Task<int?> CreateAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            PaperlessGroup group = await api.CreateGroupAsync(name, cancellationToken);
            _ids = new Dictionary<string, int>(_ids, StringComparer.Ordinal) { [name] = group.Id };
            GroupCreated(name);
            return group.Id;
        }
        catch (PaperlessRefusedException refused)
        {
            // A concurrent sign-in created it, or Paperless treats it as equal to an existing name.
            await ReadAsync(cancellationToken);
            if (_ids.TryGetValue(name, out int id))
            {
                return id;
            }

            GroupNotCreated(name, refused.Message);
            return null;
        }
    }

    [LoggerMessage(
        EventId = 7011,
        EventName = "GroupNotCreated",
        Level = LogLevel.Warning,
        Message = "The group {Group} cannot be created in Paperless, so nobody is added to it: {Reason}")]
    private partial void GroupNotCreated(string group, string reason);

    [LoggerMessage(
        EventId = 7010,
        EventName = "GroupCreated",
        Level = LogLevel.Information,
        Message = "Created the group {Group} in Paperless, without permissions. Grant them in Paperless (Settings → Users & Groups)")]
    private partial void GroupCreated(string group);
}
