using System.Text.Json.Nodes;

namespace Gateway.Operations;

/// <summary>What authentik has already, and the objects to which a provider refers.</summary>
/// <param name="Provider">The provider of the application, else the one that setup would make.</param>
internal sealed record AuthentikObjects(
    JsonObject? Application,
    JsonObject? Provider,
    JsonObject? Group,
    string AuthorizationFlow,
    string InvalidationFlow,
    string SigningKey,
    IReadOnlyList<string> Mappings)
{
    /// <summary>What `setup` would change.</summary>
    public IReadOnlyList<string> Existing =>
    [
        .. Application is null ? Array.Empty<string>() : [$"the application {AuthentikSetup.Slug}"],
        .. Provider is null ? Array.Empty<string>() : [$"the provider \"{Provider["name"]}\" (client ID {Provider["client_id"]})"],
    ];

    /// <summary>The client that is registered already: who uses it must not be locked out.</summary>
    public (string Id, string Secret)? Client =>
        Provider?["client_id"]?.ToString() is { Length: > 0 } id && Provider["client_secret"]?.ToString() is { Length: > 0 } secret ? (id, secret) : null;
}

/// <summary>Makes at authentik, by its API, what the blueprint makes: the same objects with the same values.</summary>
internal sealed class AuthentikSetup(AuthentikApi api)
{
    public const string Slug = "paperless";

    public const string GroupName = "paperless-users";

    private const string ProviderName = "Paperless Gateway";

    private const string SigningKeyName = "authentik Self-signed Certificate";

    private const string AppClientName = "Paperless Apps";

    /// <summary>The first of <see cref="Scopes"/>: an app gets no refresh token.</summary>
    private const int AppScopes = 3;

    private static readonly string[] Scopes = ["openid", "email", "profile", "offline_access"];

    /// <summary>Changes nothing.</summary>
    /// <exception cref="AuthentikApiException">authentik could not be asked, or something that every authentik has is missing.</exception>
    public async Task<AuthentikObjects> FindAsync()
    {
        JsonObject? application = await api.FindAsync($"core/applications/{Slug}/");
        JsonObject? provider = application?["provider"] is JsonValue number
            ? await api.FindAsync($"providers/oauth2/{number}/")
                ?? throw new AuthentikApiException($"The provider of the application {Slug} is not of the type OAuth2/OpenID. Delete that application, or "
                    + "change its slug.")
            : await FindProviderAsync();
        if (provider?["assigned_application_slug"]?.ToString() is { Length: > 0 } other && other != Slug)
        {
            throw new AuthentikApiException($"The provider \"{provider["name"]}\" (client ID {provider["client_id"]}) belongs to the application {other}. "
                + "Change its name and its client ID, or delete it.");
        }

        return new AuthentikObjects(
            application,
            provider,
            await FindFirstAsync("core/groups/", $"name={GroupName}&include_users=false"),
            await FindFlowAsync("default-provider-authorization-implicit-consent"),
            await FindFlowAsync("default-invalidation-flow"),
            await FindSigningKeyAsync(),
            await FindMappingsAsync());
    }

    /// <summary>Makes what is missing, sets what exists, and prints a line for each.</summary>
    /// <exception cref="AuthentikApiException">The lines before it are done.</exception>
    public async Task ApplyAsync(AuthentikObjects found, SetupAnswers answers, SetupSecrets secrets)
    {
        JsonObject group = found.Group ?? await api.SendAsync(HttpMethod.Post, "core/groups/", new JsonObject { ["name"] = GroupName });
        await SayAsync(found.Group is null ? $"made the group {GroupName}" : $"found the group {GroupName}");

        JsonObject wanted = Provider(found, answers, secrets);
        JsonObject provider = found.Provider is null
            ? await api.SendAsync(HttpMethod.Post, "providers/oauth2/", wanted)
            : await api.SendAsync(HttpMethod.Patch, $"providers/oauth2/{found.Provider["pk"]}/", wanted);
        await SayAsync($"{Verb(found.Provider)} the provider \"{provider["name"]}\" (client ID {provider["client_id"]}): its client secret, redirect URIs, "
            + "flows, key and scopes");
        string[] unknown = [.. wanted.Select(field => field.Key).Where(field => !provider.ContainsKey(field) && field != "client_secret")];
        if (unknown.Length > 0)
        {
            await SayAsync($"! this version does not know {string.Join(", ", unknown)}; authentik 2026.5 does");
        }

        JsonObject application = await ApplyApplicationAsync(found.Application, provider, answers);
        await BindAsync(application, group);
        await ApplyAppClientAsync(found, group);
    }

    /// <summary>The public client with which apps sign in. One that is there stays as it is.</summary>
    private async Task ApplyAppClientAsync(AuthentikObjects found, JsonObject group)
    {
        const string id = SetupAnswers.AppClientId;
        if (await api.FindAsync($"core/applications/{id}/") is not null || await FindFirstAsync("providers/oauth2/", $"client_id={id}") is not null)
        {
            await SayAsync($"found the client of apps ({id}), which stays as it is");
            return;
        }

        JsonObject provider = await api.SendAsync(HttpMethod.Post, "providers/oauth2/", new JsonObject
        {
            ["name"] = AppClientName,
            ["client_type"] = "public",
            ["client_id"] = id,
            ["grant_types"] = new JsonArray("authorization_code"),
            ["authorization_flow"] = found.AuthorizationFlow,
            ["invalidation_flow"] = found.InvalidationFlow,
            ["signing_key"] = found.SigningKey,
            ["redirect_uris"] = new JsonArray(RedirectUri("x-paperless://oidc-callback", "authorization")),
            ["include_claims_in_id_token"] = true,
            ["property_mappings"] = new JsonArray([.. found.Mappings.Take(AppScopes).Select(mapping => (JsonNode)mapping)]),
        });
        JsonObject application = await api.SendAsync(HttpMethod.Post, "core/applications/", new JsonObject
        {
            ["name"] = AppClientName,
            ["slug"] = id,
            ["provider"] = provider["pk"]!.DeepClone(),
            ["meta_launch_url"] = "blank://blank",
        });
        await SayAsync($"made the provider and the application \"{AppClientName}\" ({id}), a public client for apps on phones");
        await BindAsync(application, group);
    }

    private async Task<JsonObject> ApplyApplicationAsync(JsonObject? existing, JsonObject provider, SetupAnswers answers)
    {
        JsonObject wanted = new() { ["provider"] = provider["pk"]!.DeepClone(), ["meta_launch_url"] = answers.Public.Origin };
        if (existing is null)
        {
            wanted["name"] = "Paperless";
            wanted["slug"] = Slug;
        }

        JsonObject application = existing is null
            ? await api.SendAsync(HttpMethod.Post, "core/applications/", wanted)
            : await api.SendAsync(HttpMethod.Patch, $"core/applications/{Slug}/", wanted);
        await SayAsync($"{Verb(existing)} the application {application["name"]} ({Slug})");
        return application;
    }

    /// <summary>Another binding stays as it is: authentik lets in whom any of them lets in, so one more could let in more people.</summary>
    private async Task BindAsync(JsonObject application, JsonObject group)
    {
        IReadOnlyList<JsonObject> bindings = await api.ListAsync("policies/bindings/", $"target={application["pk"]}");
        if (bindings.Any(binding => binding["group"]?.ToString() == group["pk"]!.ToString()))
        {
            await SayAsync($"found the binding of {GroupName} to the application {application["slug"]}");
        }
        else if (bindings.Count > 0)
        {
            await SayAsync($"! the application {application["slug"]} has other bindings, which stay; bind {GroupName} to it yourself if its members may not "
                + "sign in");
        }
        else
        {
            JsonObject binding = new() { ["target"] = application["pk"]!.DeepClone(), ["group"] = group["pk"]!.DeepClone(), ["order"] = 0 };
            await api.SendAsync(HttpMethod.Post, "policies/bindings/", binding);
            await SayAsync($"bound {GroupName} to the application {application["slug"]}: only its members may sign in");
        }
    }

    private static JsonObject Provider(AuthentikObjects found, SetupAnswers answers, SetupSecrets secrets)
    {
        JsonObject provider = new()
        {
            ["client_type"] = "confidential",
            ["client_id"] = secrets.ClientId,
            ["client_secret"] = secrets.ClientSecret,
            ["grant_types"] = new JsonArray("authorization_code", "refresh_token"),
            ["authorization_flow"] = found.AuthorizationFlow,
            ["invalidation_flow"] = found.InvalidationFlow,
            ["signing_key"] = found.SigningKey,
            ["redirect_uris"] = new JsonArray(
                RedirectUri(answers.RedirectUri, "authorization"),
                RedirectUri(answers.LogoutRedirectUri, "logout")),
            ["include_claims_in_id_token"] = false,
            ["logout_method"] = "backchannel",
            ["logout_uri"] = answers.BackChannelLogoutUri,
            ["property_mappings"] = new JsonArray([.. found.Mappings.Select(mapping => (JsonNode)mapping)]),
        };
        if (found.Provider is null)
        {
            provider["name"] = ProviderName;
        }

        return provider;
    }

    private static JsonObject RedirectUri(string url, string type) => new() { ["matching_mode"] = "strict", ["url"] = url, ["redirect_uri_type"] = type };

    /// <summary>authentik has each name and each client ID once.</summary>
    private async Task<JsonObject?> FindProviderAsync() =>
        await FindFirstAsync("providers/oauth2/", $"name={Uri.EscapeDataString(ProviderName)}")
        ?? await FindFirstAsync("providers/oauth2/", $"client_id={SetupAnswers.ClientId}");

    private async Task<JsonObject?> FindFirstAsync(string path, string query) => await api.ListAsync(path, query) is [JsonObject first, ..] ? first : null;

    private async Task<string> FindFlowAsync(string slug) =>
        (await api.FindAsync($"flows/instances/{slug}/"))?["pk"]?.ToString() ?? throw Missing($"flow {slug}");

    private async Task<string> FindSigningKeyAsync() =>
        (await FindFirstAsync("crypto/certificatekeypairs/", $"name={Uri.EscapeDataString(SigningKeyName)}&has_key=true&include_details=false"))
            ?["pk"]?.ToString() ?? throw Missing($"key \"{SigningKeyName}\"");

    private async Task<IReadOnlyList<string>> FindMappingsAsync()
    {
        IReadOnlyList<JsonObject> all = await api.ListAsync("propertymappings/provider/scope/", "page_size=100");
        return
        [
            .. Scopes.Select(scope => all.FirstOrDefault(mapping => mapping["managed"]?.ToString() == $"goauthentik.io/providers/oauth2/scope-{scope}")
                ?["pk"]?.ToString() ?? throw Missing($"scope mapping of {scope}")),
        ];
    }

    private static AuthentikApiException Missing(string what) =>
        new($"authentik has no {what}, or the token's user may not see it. Take the token of a member of \"authentik Admins\"; authentik's own blueprints "
            + "(Customization → Blueprints) make it again.");

    private static string Verb(JsonObject? existing) => existing is null ? "made" : "changed";

    private static Task SayAsync(string what) => Console.Out.WriteLineAsync($"authentik: {Terminal.ReplaceControlCharacters(what)}");
}
