using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gateway.Paperless;

/// <summary>The endpoints of Paperless's API for users and groups, called with the gateway's API token.</summary>
/// <remarks>Paperless ignores unknown filters, and `iexact` may match several users, so results are compared again here.</remarks>
internal sealed partial class PaperlessApi(PaperlessTransport transport, ApiToken token, AppBranding branding, ILogger<PaperlessApi> logger)
{
    private const int PageSize = 100;

    /// <summary>A hundred thousand users; a longer list is taken for an endless one.</summary>
    private const int MaxPages = 1000;

    private volatile TokenOwner? _tokenOwner;
    private volatile bool _hasLoggedCredential;

    /// <summary>The user to whom the gateway's API token belongs; asked for once for each token.</summary>
    /// <exception cref="PaperlessCredentialException">The user is no superuser, or Paperless rejects the token.</exception>
    public async Task<UiSettingsUser> GetTokenOwnerAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (_tokenOwner is { } known && known.Token == await token.GetAsync(cancellationToken))
            {
                return known.User;
            }

            (PaperlessApiResponse response, string apiToken) = await SendWithTokenAsync(HttpMethod.Get, "/api/ui_settings/", null, cancellationToken);
            UiSettingsUser user = ExpectStatus(response, HttpStatusCode.OK, HttpMethod.Get).Read(PaperlessJson.Default.UiSettings).User;
            branding.Learn(response.Body);
            if (!user.IsSuperuser)
            {
                throw new PaperlessCredentialException(
                    $"{token.Source} belongs to {user.Username}, who is no superuser in Paperless ({response.Address} answered 200). Set "
                    + "GATEWAY_PAPERLESS_TOKEN to a superuser's API token.",
                    CredentialFault.NotSuperuser);
            }

            _tokenOwner = new TokenOwner(apiToken, user);
            return user;
        }
        catch (PaperlessCredentialException wrong)
        {
            if (!_hasLoggedCredential)
            {
                _hasLoggedCredential = true;
                CredentialWrong(wrong.Message);
            }

            throw;
        }
    }

    public async Task<PaperlessUser?> FindUserAsync(int id, CancellationToken cancellationToken)
    {
        PaperlessApiResponse response = await SendAsync(HttpMethod.Get, $"/api/users/{id}/", null, cancellationToken);
        if (response.Status == HttpStatusCode.NotFound)
        {
            return null;
        }

        PaperlessUser user = ExpectStatus(response, HttpStatusCode.OK, HttpMethod.Get).Read(PaperlessJson.Default.PaperlessUser);
        return user.Id == id ? user : throw new PaperlessUnavailableException(
            $"{response.Address} answered with user {user.Id}",
            PaperlessFault.NotPaperless);
    }

    /// <summary>The users with the name <paramref name="username"/>, in any letter case.</summary>
    public async Task<IReadOnlyList<PaperlessUser>> FindUsersAsync(string username, CancellationToken cancellationToken) =>
        [.. (await ListAsync($"/api/users/?username__iexact={Uri.EscapeDataString(username)}", PaperlessJson.Default.ListPagePaperlessUser, cancellationToken))
            .Where(user => user.Username.Equals(username, StringComparison.OrdinalIgnoreCase))];

    /// <summary>The usernames that begin with <paramref name="start"/>, in any letter case.</summary>
    public async Task<IReadOnlySet<string>> FindUsernamesAsync(string start, CancellationToken cancellationToken) =>
        (await ListAsync($"/api/users/?username__istartswith={Uri.EscapeDataString(start)}", PaperlessJson.Default.ListPagePaperlessUser, cancellationToken))
            .Select(user => user.Username)
            .Where(name => name.StartsWith(start, StringComparison.OrdinalIgnoreCase))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);

    public Task<IReadOnlyList<PaperlessUser>> ListUsersAsync(CancellationToken cancellationToken) =>
        ListAsync("/api/users/?ordering=username", PaperlessJson.Default.ListPagePaperlessUser, cancellationToken);

    public Task<IReadOnlyList<PaperlessGroup>> ListGroupsAsync(CancellationToken cancellationToken) =>
        ListAsync("/api/groups/?ordering=name", PaperlessJson.Default.ListPagePaperlessGroup, cancellationToken);

    /// <exception cref="PaperlessRefusedException">The name is taken, or Paperless rejects a field.</exception>
    public async Task<PaperlessUser> CreateUserAsync(PaperlessUserChange user, CancellationToken cancellationToken)
    {
        PaperlessApiResponse response = await SendAsync(
            HttpMethod.Post,
            "/api/users/",
            JsonSerializer.SerializeToUtf8Bytes(user, PaperlessJson.Default.PaperlessUserChange),
            cancellationToken);
        return ExpectStatus(response, HttpStatusCode.Created, HttpMethod.Post).Read(PaperlessJson.Default.PaperlessUser);
    }

    /// <returns>The changed user.</returns>
    /// <exception cref="PaperlessRefusedException">Paperless rejects a field.</exception>
    public async Task<PaperlessUser> ChangeUserAsync(int id, PaperlessUserChange change, CancellationToken cancellationToken)
    {
        PaperlessApiResponse response = await SendAsync(
            HttpMethod.Patch,
            $"/api/users/{id}/",
            JsonSerializer.SerializeToUtf8Bytes(change, PaperlessJson.Default.PaperlessUserChange),
            cancellationToken);
        PaperlessUser user = ExpectStatus(response, HttpStatusCode.OK, HttpMethod.Patch).Read(PaperlessJson.Default.PaperlessUser);

        // Paperless answers 200 even if the body got lost on the way.
        bool isChanged = user.Id == id
            && (change.Groups is null || user.Groups.ToHashSet().SetEquals(change.Groups))
            && (change.IsSuperuser ?? user.IsSuperuser) == user.IsSuperuser
            && (change.IsStaff ?? user.IsStaff) == user.IsStaff;
        return isChanged ? user : throw new PaperlessUnavailableException(
            $"PATCH {response.Address} answered 200 but did not change the user; check whether a proxy before Paperless drops the body",
            PaperlessFault.NotPaperless);
    }

    /// <exception cref="PaperlessRefusedException">The group exists already.</exception>
    public async Task<PaperlessGroup> CreateGroupAsync(string name, CancellationToken cancellationToken)
    {
        PaperlessApiResponse response = await SendAsync(
            HttpMethod.Post,
            "/api/groups/",
            JsonSerializer.SerializeToUtf8Bytes(new NewPaperlessGroup(name, []), PaperlessJson.Default.NewPaperlessGroup),
            cancellationToken);
        return ExpectStatus(response, HttpStatusCode.Created, HttpMethod.Post).Read(PaperlessJson.Default.PaperlessGroup);
    }

    /// <summary>Requests the pages by number: the address of the next page may contain a host that is not reachable from here.</summary>
    private async Task<IReadOnlyList<T>> ListAsync<T>(string path, JsonTypeInfo<ListPage<T>> type, CancellationToken cancellationToken)
    {
        for (int attempt = 1; attempt <= 2; attempt++)
        {
            if (await ListOnceAsync(path, type, cancellationToken) is { } all)
            {
                return all;
            }
        }

        throw new PaperlessUnavailableException(
            $"Paperless's list at {path.Split('?')[0]} changed twice while the gateway read it",
            PaperlessFault.ErrorStatus);
    }

    /// <returns>Null where the list became shorter during the reading, so that the result is incomplete.</returns>
    private async Task<IReadOnlyList<T>?> ListOnceAsync<T>(string path, JsonTypeInfo<ListPage<T>> type, CancellationToken cancellationToken)
    {
        List<T> all = [];
        for (int number = 1; number <= MaxPages; number++)
        {
            PaperlessApiResponse response = await SendAsync(HttpMethod.Get, $"{path}&page={number}&page_size={PageSize}", null, cancellationToken);
            if (response.Status == HttpStatusCode.NotFound && number > 1)
            {
                return null;
            }

            ListPage<T> page = ExpectStatus(response, HttpStatusCode.OK, HttpMethod.Get).Read(type);
            all.AddRange(page.Results);
            if (page.Next is null)
            {
                return all;
            }
        }

        throw new PaperlessUnavailableException($"Paperless's list at {path.Split('?')[0]} does not end", PaperlessFault.NotPaperless);
    }

    private async Task<PaperlessApiResponse> SendAsync(HttpMethod method, string path, byte[]? json, CancellationToken cancellationToken) =>
        (await SendWithTokenAsync(method, path, json, cancellationToken)).Response;

    /// <returns>The answer, and the token with which it came.</returns>
    private async Task<(PaperlessApiResponse Response, string Token)> SendWithTokenAsync(
        HttpMethod method,
        string path,
        byte[]? json,
        CancellationToken cancellationToken)
    {
        string apiToken = await token.GetAsync(cancellationToken);
        PaperlessApiResponse response = await transport.SendAsync(method, path, json, $"Token {apiToken}", cancellationToken);

        // With PAPERLESS_ENABLE_HTTP_REMOTE_USER_API, Paperless answers 403 to an invalid token.
        if (response.Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden && await token.ReplaceAsync(apiToken, cancellationToken) is { } newToken)
        {
            response = await transport.SendAsync(method, path, json, $"Token {newToken}", cancellationToken);
            apiToken = newToken;
        }

        return (response, apiToken);
    }

    private PaperlessApiResponse ExpectStatus(PaperlessApiResponse response, HttpStatusCode expected, HttpMethod method)
    {
        if (response.Status == expected)
        {
            return response;
        }

        throw response.Status switch
        {
            HttpStatusCode.BadRequest => RefusalOf(response, method),
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new PaperlessCredentialException(
                $"{method} {response.Address} answered {(int)response.Status}. {token.Source} is invalid or belongs to no superuser. Set "
                + "GATEWAY_PAPERLESS_TOKEN to an API token of a superuser.",
                CredentialFault.Refused),
            _ => PaperlessFailureText.Answered(method, response.Address, response.Status),
        };
    }

    private static PaperlessApiException RefusalOf(PaperlessApiResponse response, HttpMethod method)
    {
        try
        {
            return new PaperlessRefusedException(JsonSerializer.Deserialize(response.Body, PaperlessJson.Default.DictionaryStringStringArray) ?? []);
        }
        catch (JsonException)
        {
            return PaperlessFailureText.Answered(method, response.Address, response.Status);
        }
    }

    private sealed class TokenOwner(string token, UiSettingsUser user)
    {
        public string Token => token;

        public UiSettingsUser User => user;
    }

    [LoggerMessage(EventId = 7004, EventName = "PaperlessCredentialWrong", Level = LogLevel.Error, Message = "Nobody can sign in: {Reason}")]
    private partial void CredentialWrong(string reason);
}
