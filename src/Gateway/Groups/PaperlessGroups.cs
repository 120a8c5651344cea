using Gateway.Paperless;
using Gateway.Settings;

namespace Gateway.Groups;

/// <summary>Paperless's groups by name, cached for a minute.</summary>
internal sealed partial class PaperlessGroups(PaperlessApi api, AccountSettings settings, TimeProvider time, ILogger<SecurityLog> logger) : IDisposable
{
    private static readonly TimeSpan CacheTtl = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _reading = new(1, 1);
    private Dictionary<string, int> _ids = [];
    private DateTimeOffset _readAt = DateTimeOffset.MinValue;

    /// <summary>The ids of the groups of these names; `GATEWAY_CREATE_GROUPS` creates missing ones, otherwise they are left out.</summary>
    public async Task<IReadOnlySet<int>> IdsAsync(IReadOnlyList<string> names, bool mayCreate, CancellationToken cancellationToken)
    {
        if (names.Count == 0)
        {
            return new HashSet<int>();
        }

        await _reading.WaitAsync(cancellationToken);
        try
        {
            if (time.GetUtcNow() - _readAt >= CacheTtl)
            {
                await ReadAsync(cancellationToken);
            }

            HashSet<int> ids = [];
            // Paperless trims spaces around a name.
            foreach (string name in names.Select(name => name.Trim()).Distinct())
            {
                if (_ids.TryGetValue(name, out int id))
                {
                    ids.Add(id);
                }
                else if (mayCreate && settings.CreateGroups)
                {
                    ids.UnionWith(await CreateAsync(name, cancellationToken) is { } made ? [made] : []);
                }
            }

            return ids;
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>The ids of a person's groups. A group that Paperless has under the whole text of an entry goes before the parts of the text.</summary>
    public async Task<IReadOnlySet<int>> IdsAsync(IReadOnlyList<GroupEntry> entries, CancellationToken cancellationToken)
    {
        HashSet<int> ids = [];
        List<string> names = [];
        foreach (GroupEntry entry in entries)
        {
            IReadOnlySet<int> whole = entry.Whole is { } text ? await IdsAsync([text], mayCreate: false, cancellationToken) : new HashSet<int>();
            ids.UnionWith(whole);
            names.AddRange(whole.Count > 0 ? [] : entry.Names);
        }

        ids.UnionWith(await IdsAsync(names, mayCreate: true, cancellationToken));
        return ids;
    }

    /// <summary>The name of a group, for the log; its number where the name is not known.</summary>
    public string NameOf(int id) => _ids.FirstOrDefault(group => group.Value == id).Key ?? $"group {id}";

    /// <summary>Paperless knows an id no longer: the next question reads anew.</summary>
    public void Forget() => _readAt = DateTimeOffset.MinValue;

    public void Dispose() => _reading.Dispose();

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        _ids = (await api.ListGroupsAsync(cancellationToken)).DistinctBy(group => group.Name)
            .ToDictionary(group => group.Name, group => group.Id, StringComparer.Ordinal);
        _readAt = time.GetUtcNow();
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
