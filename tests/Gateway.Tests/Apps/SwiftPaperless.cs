using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Tests.Apps;

/// <summary>The requests of the app Swift Paperless, step by step as in its public source.</summary>
/// <param name="requests">Its cookies and connections.</param>
/// <param name="origin">The address that its user has typed, with the script name.</param>
internal sealed class SwiftPaperless(Visitor requests, string origin) : IDisposable
{
    public const string Agent = "Swift%20Paperless/142 CFNetwork/1568.100.1 Darwin/24.0.0";

    public const string ClientId = "paperless-app";

    private static readonly (string, string) Anything = ("Accept", "*/*");

    public Visitor Requests => requests;

    /// <summary>The whole sequence.</summary>
    /// <param name="authenticate">The browser of the phone: from the authorization request to the redirect to the app.</param>
    /// <returns>The token for the API.</returns>
    public async Task<string> SignInAsync(Func<Uri, Task<Uri>> authenticate)
    {
        Page api = await requests.SendAsync(HttpMethod.Get, origin + "/api/token/", null, ("Accept", "application/json; version=9"));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, api.Status);
        JsonNode provider = (await ProvidersAsync())[0]!;
        Page answer = await BringAsync(provider, await GetIdTokenAsync(provider, authenticate));
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);
        JsonNode json = JsonNode.Parse(answer.Text)!;
        Assert.Equal((200, true), ((int)json["status"]!, (bool)json["meta"]!["is_authenticated"]!));
        return (string)json["meta"]!["access_token"]!;
    }

    /// <summary>`fetchProviders`: those that it supports.</summary>
    public async Task<IReadOnlyList<JsonNode>> ProvidersAsync()
    {
        Page config = await requests.SendAsync(HttpMethod.Get, origin + "/api/auth/headless/app/v1/config", null, Anything);
        Assert.True(config.Status == HttpStatusCode.OK, config.Text);
        JsonArray providers = JsonNode.Parse(config.Text)!["data"]!["socialaccount"]!["providers"]!.AsArray();
        return [.. providers.Select(provider => provider!).Where(provider =>
            provider["flows"]!.AsArray().Select(flow => (string?)flow).Intersect(["provider_redirect", "provider_token"]).Count() == 2
            && provider["openid_configuration_url"] is not null && provider["name"] is not null)];
    }

    /// <summary>`fetchCSRF`: redirects are followed.</summary>
    public async Task<string> GetCsrfTokenAsync(string cookie = "csrftoken")
    {
        Page page = await requests.SendAsync(HttpMethod.Get, origin + "/accounts/login", null, Anything);
        if (page.Location is { } next)
        {
            await requests.SendAsync(HttpMethod.Get, next.AbsoluteUri, null, Anything);
        }

        return requests.Cookie(cookie) ?? throw new InvalidOperationException($"{(int)page.Status}: Response to login request did not contain a CSRF token");
    }

    /// <summary>`fetchScope`: the redirect is not followed.</summary>
    public async Task<Page> AskForScopeAsync(string provider, string? csrf = null, string? callback = null, params (string Name, string Value)[] headers)
    {
        csrf ??= await GetCsrfTokenAsync();
        FormUrlEncodedContent form = new(
        [
            new("provider", provider), new("callback_url", callback ?? origin), new("process", "login"), new("csrfmiddlewaretoken", csrf),
        ]);
        return await requests.SendAsync(
            HttpMethod.Post,
            origin + "/api/auth/headless/browser/v1/auth/provider/redirect",
            form,
            [Anything, ("X-CSRFToken", csrf), ("Referer", origin), .. headers]);
    }

    public async Task<string> GetIdTokenAsync(JsonNode provider, Func<Uri, Task<Uri>> authenticate) =>
        (string)(await GetTokensAsync(provider, authenticate))["id_token"]!;

    /// <summary>The code flow at the provider: S256, state, no secret.</summary>
    public async Task<JsonNode> GetTokensAsync(JsonNode provider, Func<Uri, Task<Uri>> authenticate, string? nonce = null)
    {
        Page redirect = await AskForScopeAsync((string)provider["id"]!);
        Assert.True(redirect.Status == HttpStatusCode.Found, redirect.Text);
        string scope = QueryHelpers.ParseQuery(redirect.Location!.Query)["scope"]!;
        Page discovery = await requests.SendAsync(HttpMethod.Get, (string)provider["openid_configuration_url"]!);
        JsonNode endpoints = JsonNode.Parse(discovery.Text)!;
        string verifier = Base64UrlEncoder.Encode(RandomNumberGenerator.GetBytes(32));
        string state = Guid.NewGuid().ToString();
        Uri authorize = new(QueryHelpers.AddQueryString((string)endpoints["authorization_endpoint"]!, new Dictionary<string, string?>
        {
            ["client_id"] = (string)provider["client_id"]!,
            ["redirect_uri"] = DevelopmentProviderOptions.AppRedirectUri,
            ["response_type"] = "code",
            ["scope"] = scope,
            ["state"] = state,
            ["code_challenge"] = Base64UrlEncoder.Encode(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))),
            ["code_challenge_method"] = "S256",
            ["nonce"] = nonce,
        }.Where(parameter => parameter.Value is not null)));
        Dictionary<string, Microsoft.Extensions.Primitives.StringValues> answer = QueryHelpers.ParseQuery((await authenticate(authorize)).Query);
        Assert.Equal(state, answer["state"]);
        FormUrlEncodedContent exchange = new(
        [
            new("grant_type", "authorization_code"), new("client_id", (string)provider["client_id"]!), new("code", answer["code"]),
            new("redirect_uri", DevelopmentProviderOptions.AppRedirectUri), new("code_verifier", verifier),
        ]);
        Page tokens = await requests.SendAsync(HttpMethod.Post, (string)endpoints["token_endpoint"]!, exchange, Anything);
        Assert.True(tokens.Status == HttpStatusCode.OK, tokens.Text);
        return JsonNode.Parse(tokens.Text)!;
    }

    /// <summary>`exchangeIdTokenWithPaperless`.</summary>
    /// <param name="accessToken">Swift Paperless itself sends none.</param>
    public Task<Page> BringAsync(JsonNode provider, string idToken, string? accessToken = null, params (string Name, string Value)[] headers)
    {
        string csrf = requests.Cookie("csrftoken") ?? "";
        JsonObject token = new() { ["client_id"] = (string)provider["client_id"]!, ["id_token"] = idToken };
        if (accessToken is not null)
        {
            token["access_token"] = accessToken;
        }

        JsonObject body = new() { ["provider"] = (string)provider["id"]!, ["process"] = "login", ["token"] = token, ["csrfmiddlewaretoken"] = csrf };
        return PostAsync(body.ToJsonString(), [("X-CSRFToken", csrf), ("Referer", origin), .. headers]);
    }

    public Task<Page> PostAsync(string json, params (string Name, string Value)[] headers) => requests.SendAsync(
        HttpMethod.Post,
        origin + "/api/auth/headless/app/v1/auth/provider/token",
        new StringContent(json, Encoding.UTF8, "application/json"),
        [Anything, .. headers]);

    public void Dispose() => requests.Dispose();
}

/// <summary>The phone of somebody with the app, in a world whose provider has a public client for it.</summary>
internal static class HeadlessWorld
{
    /// <summary>As the blueprint sets it up: the app's client has an issuer of its own, and only its ID tokens carry the claims.</summary>
    public static async Task<World> StartAsync(Action<WorldOptions>? configure = null)
    {
        World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Provider = given => given with { AppClientId = SwiftPaperless.ClientId, AppSlug = "paperless-app", IncludeClaimsInIdToken = false };
            configure?.Invoke(options);
        });
        world.Options.Settings.TryAdd("GATEWAY_APP_CLIENT_IDS", SwiftPaperless.ClientId);
        world.Options.Settings.TryAdd("GATEWAY_APP_ISSUERS", new Uri(world.Provider.Address, "/application/o/paperless-app/").AbsoluteUri);
        world.StartGateway();
        return world;
    }

    public static SwiftPaperless NewPhone(this World world) => new(world.NewVisitor(userAgent: SwiftPaperless.Agent), world.Origin + world.Options.ScriptName);

    /// <summary>The phone's browser, in which the person signs in at the provider.</summary>
    public static Func<Uri, Task<Uri>> BrowserOf(this World world, string person) => async authorize =>
    {
        using Visitor browser = world.NewVisitor();
        await browser.SendAsync(HttpMethod.Get, new Uri(world.Provider.Address, $"if/flow/default-authentication-flow/?person={person}").AbsoluteUri);
        Page page = await browser.OpenAsync(authorize.AbsoluteUri, "cross-site");
        return page.Location ?? throw new InvalidOperationException($"{(int)page.Status}: {page.Text}");
    };

    /// <summary>What the gateway answers to an ID token of the person.</summary>
    public static async Task<Page> BringTokenOfAsync(this World world, string person)
    {
        using SwiftPaperless app = world.NewPhone();
        JsonNode provider = (await app.ProvidersAsync())[0];
        return await app.BringAsync(provider, await app.GetIdTokenAsync(provider, world.BrowserOf(person)));
    }

    /// <summary>The first error of an answer in allauth's shape, whose `status` is that of the response.</summary>
    public static (string Code, string? Param, string Message) ErrorOf(Page page)
    {
        JsonElement json = JsonDocument.Parse(page.Text).RootElement;
        Assert.Equal((int)page.Status, json.GetProperty("status").GetInt32());
        JsonElement error = json.GetProperty("errors")[0];
        string? param = error.TryGetProperty("param", out JsonElement given) ? given.GetString() : null;
        return (error.GetProperty("code").GetString()!, param, error.GetProperty("message").GetString()!);
    }
}
