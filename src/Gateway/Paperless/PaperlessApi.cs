using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gateway.Paperless;

/// <summary>The part of Paperless's API that accounts and groups need, with the gateway's own token.</summary>
/// <remarks>Paperless ignores filters that it does not know, and lets `iexact` find several: what is found is compared again here.</remarks>
internal sealed partial class PaperlessApi(PaperlessTransport transport, ApiToken token, ILogger<PaperlessApi> logger)
{
    private const int PageSize = 100;

    /// <summary>A hundred thousand users; an API that never ends its list is not believed.</summary>
    private const int MostPages = 1000;

    private volatile UiSettingsUser? _self;
    private volatile bool _saidSo;

    /// <summary>The user that the gateway's token belongs to, asked for once.</summary>
    /// <exception cref="PaperlessCredentialException">It is no superuser, or the token is not taken.</exception>
    public async Task<UiSettingsUser> SelfAsync(CancellationToken cancellationToken)
    {
        if (_self is { } known)
        {
            return known;
        }

        try
        {
            PaperlessAnswer answer = await SendAsync(HttpMethod.Get, "/api/ui_settings/", null, cancellationToken);
            UiSettingsUser user = Expect(answer, HttpStatusCode.OK, "GET /api/ui_settings/").Read(PaperlessJson.Default.UiSettings).User;
            return user.IsSuperuser
                ? _self = user
                : throw new PaperlessCredentialException(
                    $"{token.Source} is not a superuser's in Paperless but {user.Username}'s: set GATEWAY_PAPERLESS_TOKEN to an API token of a superuser.");
        }
        catch (PaperlessCredentialException wrong)
        {
            if (!_saidSo)
            {
                _saidSo = true;
                CredentialWrong(wrong.Message);
            }

            throw;
        }
    }

    public async Task<PaperlessUser?> FindUserAsync(int id, CancellationToken cancellationToken)
    {
        PaperlessAnswer answer = await SendAsync(HttpMethod.Get, $"/api/users/{id}/", null, cancellationToken);
        if (answer.Status == HttpStatusCode.NotFound)
        {
            return null;
        }

        PaperlessUser user = Expect(answer, HttpStatusCode.OK, "GET /api/users/{id}/").Read(PaperlessJson.Default.PaperlessUser);
        return user.Id == id ? user : throw new PaperlessUnavailableException($"it answers with user {user.Id} where {id} was asked for");
    }

    /// <summary>The users whose name is <paramref name="username"/> but for letter case.</summary>
    public async Task<IReadOnlyList<PaperlessUser>> FindUsersAsync(string username, CancellationToken cancellationToken) =>
        [.. (await ListAsync($"/api/users/?username__iexact={Uri.EscapeDataString(username)}", PaperlessJson.Default.ListPagePaperlessUser, cancellationToken))
            .Where(user => user.Username.Equals(username, StringComparison.OrdinalIgnoreCase))];

    /// <summary>The names that are taken and begin with <paramref name="start"/>, in any letter case.</summary>
    public async Task<IReadOnlySet<string>> TakenNamesAsync(string start, CancellationToken cancellationToken) =>
        (await ListAsync($"/api/users/?username__istartswith={Uri.EscapeDataString(start)}", PaperlessJson.Default.ListPagePaperlessUser, cancellationToken))
            .Select(user => user.Username)
            .Where(name => name.StartsWith(start, StringComparison.OrdinalIgnoreCase))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);

    public Task<IReadOnlyList<PaperlessUser>> AllUsersAsync(CancellationToken cancellationToken) =>
        ListAsync("/api/users/?ordering=username", PaperlessJson.Default.ListPagePaperlessUser, cancellationToken);

    public Task<IReadOnlyList<PaperlessGroup>> AllGroupsAsync(CancellationToken cancellationToken) =>
        ListAsync("/api/groups/?ordering=name", PaperlessJson.Default.ListPagePaperlessGroup, cancellationToken);

    /// <exception cref="PaperlessRefusedException">The name is taken, or a field is not as Paperless wants it.</exception>
    public async Task<PaperlessUser> CreateUserAsync(PaperlessUserChange user, CancellationToken cancellationToken)
    {
        PaperlessAnswer answer = await SendAsync(
            HttpMethod.Post,
            "/api/users/",
            JsonSerializer.SerializeToUtf8Bytes(user, PaperlessJson.Default.PaperlessUserChange),
            cancellationToken);
        return Expect(answer, HttpStatusCode.Created, "POST /api/users/").Read(PaperlessJson.Default.PaperlessUser);
    }

    /// <returns>The user as it is now.</returns>
    /// <exception cref="PaperlessRefusedException">A field is not as Paperless wants it.</exception>
    public async Task<PaperlessUser> ChangeUserAsync(int id, PaperlessUserChange change, CancellationToken cancellationToken)
    {
        PaperlessAnswer answer = await SendAsync(
            HttpMethod.Patch,
            $"/api/users/{id}/",
            JsonSerializer.SerializeToUtf8Bytes(change, PaperlessJson.Default.PaperlessUserChange),
            cancellationToken);
        PaperlessUser user = Expect(answer, HttpStatusCode.OK, "PATCH /api/users/{id}/").Read(PaperlessJson.Default.PaperlessUser);

        // A body that gets lost on the way is answered with 200, too.
        bool done = user.Id == id
            && (change.Groups is null || user.Groups.ToHashSet().SetEquals(change.Groups))
            && (change.IsSuperuser ?? user.IsSuperuser) == user.IsSuperuser
            && (change.IsStaff ?? user.IsStaff) == user.IsStaff;
        return done ? user : throw new PaperlessUnavailableException(
            "it answers PATCH /api/users/{id}/ with 200 and has not changed the user; does something between gateway and Paperless drop the body?");
    }

    /// <exception cref="PaperlessRefusedException">There is such a group by now.</exception>
    public async Task<PaperlessGroup> CreateGroupAsync(string name, CancellationToken cancellationToken)
    {
        PaperlessAnswer answer = await SendAsync(
            HttpMethod.Post,
            "/api/groups/",
            JsonSerializer.SerializeToUtf8Bytes(new NewPaperlessGroup(name, []), PaperlessJson.Default.NewPaperlessGroup),
            cancellationToken);
        return Expect(answer, HttpStatusCode.Created, "POST /api/groups/").Read(PaperlessJson.Default.PaperlessGroup);
    }

    /// <summary>Follows the pages by number: the address of the next one is made from a host and scheme that need not lead back here.</summary>
    private async Task<IReadOnlyList<T>> ListAsync<T>(string path, JsonTypeInfo<ListPage<T>> type, CancellationToken cancellationToken)
    {
        for (int tries = 1; tries <= 2; tries++)
        {
            if (await ListOnceAsync(path, type, cancellationToken) is { } all)
            {
                return all;
            }
        }

        throw new PaperlessUnavailableException($"its list at {path.Split('?')[0]} changes while it is read");
    }

    /// <returns>Null where the list became shorter meanwhile: a part of it is not the list.</returns>
    private async Task<IReadOnlyList<T>?> ListOnceAsync<T>(string path, JsonTypeInfo<ListPage<T>> type, CancellationToken cancellationToken)
    {
        List<T> all = [];
        for (int number = 1; number <= MostPages; number++)
        {
            PaperlessAnswer answer = await SendAsync(HttpMethod.Get, $"{path}&page={number}&page_size={PageSize}", null, cancellationToken);
            if (answer.Status == HttpStatusCode.NotFound && number > 1)
            {
                return null;
            }

            ListPage<T> page = Expect(answer, HttpStatusCode.OK, $"GET {path.Split('?')[0]}").Read(type);
            all.AddRange(page.Results);
            if (page.Next is null)
            {
                return all;
            }
        }

        throw new PaperlessUnavailableException($"its list at {path.Split('?')[0]} does not end");
    }

    private async Task<PaperlessAnswer> SendAsync(HttpMethod method, string path, byte[]? json, CancellationToken cancellationToken)
    {
        string key = await token.GetAsync(cancellationToken);
        PaperlessAnswer answer = await transport.SendAsync(method, path, json, $"Token {key}", cancellationToken);

        // With PAPERLESS_ENABLE_HTTP_REMOTE_USER_API a token that is not taken is a 403.
        if (answer.Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden && await token.ReplaceAsync(key, cancellationToken) is { } other)
        {
            _self = null;
            answer = await transport.SendAsync(method, path, json, $"Token {other}", cancellationToken);
        }

        return answer;
    }

    private PaperlessAnswer Expect(PaperlessAnswer answer, HttpStatusCode expected, string request)
    {
        if (answer.Status == expected)
        {
            return answer;
        }

        throw answer.Status switch
        {
            HttpStatusCode.BadRequest => Refused(answer, request),
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new PaperlessCredentialException($"Paperless answers {request} with "
                + $"{(int)answer.Status}: {token.Source} is not taken, or not a superuser's. Set GATEWAY_PAPERLESS_TOKEN to an API token of a superuser."),
            _ => new PaperlessUnavailableException($"it answers {request} with {(int)answer.Status}"),
        };
    }

    private static PaperlessApiException Refused(PaperlessAnswer answer, string request)
    {
        try
        {
            return new PaperlessRefusedException(JsonSerializer.Deserialize(answer.Body, PaperlessJson.Default.DictionaryStringStringArray) ?? []);
        }
        catch (JsonException)
        {
            return new PaperlessUnavailableException($"it answers {request} with 400");
        }
    }

    [LoggerMessage(EventId = 7004, EventName = "PaperlessCredentialWrong", Level = LogLevel.Error, Message = "Nobody can sign in: {Reason}")]
    private partial void CredentialWrong(string reason);
}
