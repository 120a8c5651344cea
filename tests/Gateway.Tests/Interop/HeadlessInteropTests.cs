using System.Net;
using System.Text.Json.Nodes;
using Gateway.Tests.Apps;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Interop;

/// <summary>An app's own single sign-on against oidc-provider, with a public client beside the gateway's.</summary>
[Needs(RealPart.OidcProvider)]
public sealed class HeadlessInteropTests
{
    [Theory]
    [InlineData("RS256", false)]
    [InlineData("ES256", true)]
    public async Task An_app_signs_in_at_oidc_provider_and_uses_the_API(string algorithm, bool asksUserInfo)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        OidcProviderSettings settings = new()
        {
            RedirectUris = [new Uri(world.Origin + "/accounts/oidc/interop/login/callback/")],
            TokenEndpointAuthMethod = "client_secret_post",
            IdTokenSignedResponseAlg = algorithm,
            AppClientId = SwiftPaperless.ClientId,
            ClaimsInIdToken = !asksUserInfo,
        };
        await using OidcProviderProcess provider = await OidcProviderProcess.StartAsync(settings, World.Ct);
        JsonObject entry = ProvidersSetting.Of(provider.Issuer, "interop", settings.ClientId, settings.ClientSecret);
        entry["settings"]!["token_auth_method"] = settings.TokenEndpointAuthMethod;
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(entry);
        world.Options.Settings["GATEWAY_APP_CLIENT_IDS"] = SwiftPaperless.ClientId;
        world.Options.Settings["GATEWAY_ALLOWED_GROUPS"] = "editors";
        world.StartGateway();
        using OidcProviderSignIn atProvider = new(provider.Issuer);
        using SwiftPaperless app = world.NewPhone();

        JsonNode named = (await app.ProvidersAsync())[0];
        JsonNode tokens = await app.GetTokensAsync(named, authorize => atProvider.SignInAsync(authorize, "alice", World.Ct));
        string idToken = (string)tokens["id_token"]!;
        Page answer = await app.BringAsync(named, idToken, asksUserInfo ? (string)tokens["access_token"]! : null);
        Page again = await app.BringAsync(named, idToken);

        Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);
        Assert.Equal(HttpStatusCode.BadRequest, again.Status);
        (string, string) authorization = ("Authorization", $"Token {(string)JsonNode.Parse(answer.Text)!["meta"]!["access_token"]!}");
        using MultipartFormDataContent file = new() { { new ByteArrayContent("%PDF-1.4"u8.ToArray()), "document", "letter.pdf" } };
        Page list = await app.Requests.SendAsync(HttpMethod.Get, "/api/documents/", null, authorization);
        Page upload = await app.Requests.SendAsync(HttpMethod.Post, "/api/documents/post_document/", file, authorization);
        Page download = await app.Requests.SendAsync(HttpMethod.Get, "/api/documents/1/download/", null, authorization);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK), (list.Status, upload.Status, download.Status));
        Assert.Equal("alice", world.Forwarded[^1].SignedInAs);
    }

    [Fact]
    public async Task Somebody_without_the_group_in_the_ID_token_is_not_let_in()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        OidcProviderSettings settings = new()
        {
            RedirectUris = [new Uri(world.Origin + "/accounts/oidc/interop/login/callback/")],
            TokenEndpointAuthMethod = "client_secret_post",
            AppClientId = SwiftPaperless.ClientId,
        };
        await using OidcProviderProcess provider = await OidcProviderProcess.StartAsync(settings, World.Ct);
        JsonObject entry = ProvidersSetting.Of(provider.Issuer, "interop", settings.ClientId, settings.ClientSecret);
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(entry);
        world.Options.Settings["GATEWAY_APP_CLIENT_IDS"] = SwiftPaperless.ClientId;
        world.Options.Settings["GATEWAY_ALLOWED_GROUPS"] = "editors";
        world.StartGateway();
        using OidcProviderSignIn atProvider = new(provider.Issuer);
        using SwiftPaperless app = world.NewPhone();

        JsonNode named = (await app.ProvidersAsync())[0];
        Page answer = await app.BringAsync(named, await app.GetIdTokenAsync(named, authorize => atProvider.SignInAsync(authorize, "alice", World.Ct)));

        Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
    }
}
