using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider.Endpoints;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Gateway.StandIns.Provider.Handlers;

/// <summary>Writes authentik's discovery document, every URL built from the request's own scheme and host.</summary>
internal sealed class WriteDiscovery(DevelopmentProvider provider) : IOpenIddictServerHandler<ApplyConfigurationResponseContext>
{
    public ValueTask HandleAsync(ApplyConfigurationResponseContext context)
    {
        JsonObject document = Document(context.BaseUri!);
        if (provider.Options.IssuerInAnswers != IssuerInAnswers.None)
        {
            document["authorization_response_iss_parameter_supported"] = true;
        }

        if (provider.Options.Tenant is not null)
        {
            document["issuer"] = At(context.BaseUri!, "/application/o/") + "{tenantid}/";
        }

        if (provider.Options.ClientPublicKey is not null)
        {
            document["token_endpoint_auth_methods_supported"] = new JsonArray("private_key_jwt");
            document["token_endpoint_auth_signing_alg_values_supported"] = new JsonArray("ES256", provider.Options.AssertionAlgorithm);
        }

        if (provider.Options.PushedRequests != PushedRequests.None)
        {
            document["pushed_authorization_request_endpoint"] = At(context.BaseUri!, PushedAuthorizationEndpoint.Path);
            document["require_pushed_authorization_requests"] = provider.Options.PushedRequests == PushedRequests.Required;
        }

        document = provider.TamperDiscovery?.Invoke(document) ?? document;
        context.Transaction.Response = new OpenIddictResponse(JsonSerializer.SerializeToElement(document));
        return ValueTask.CompletedTask;
    }

    // The response types and grants are announced as authentik does; this provider speaks the code flow and refresh only.
    private JsonObject Document(Uri baseUri) => new()
    {
        ["issuer"] = provider.IssuerAt(baseUri),
        ["authorization_endpoint"] = At(baseUri, AuthorizeEndpoint.Path),
        ["token_endpoint"] = At(baseUri, TokenEndpoint.Path),
        ["userinfo_endpoint"] = At(baseUri, UserInfoEndpoint.Path),
        ["end_session_endpoint"] = At(baseUri, EndSessionEndpoint.PathFor(provider.Options.Slug)),
        ["introspection_endpoint"] = At(baseUri, "/application/o/introspect/"),
        ["revocation_endpoint"] = At(baseUri, "/application/o/revoke/"),
        ["device_authorization_endpoint"] = At(baseUri, "/application/o/device/"),
        ["jwks_uri"] = At(baseUri, $"/application/o/{provider.Options.Slug}/jwks/"),
        ["backchannel_logout_supported"] = true,
        ["backchannel_logout_session_supported"] = true,
        ["frontchannel_logout_supported"] = true,
        ["frontchannel_logout_session_supported"] = true,
        ["response_types_supported"] = new JsonArray(
            "code", "id_token", "id_token token", "code token", "code id_token", "code id_token token"),
        ["response_modes_supported"] = new JsonArray("query", "fragment", "form_post"),
        ["grant_types_supported"] = new JsonArray(
            "authorization_code", "refresh_token", "implicit", "client_credentials", "password",
            "urn:ietf:params:oauth:grant-type:device_code"),
        ["id_token_signing_alg_values_supported"] = new JsonArray([.. provider.Keys.AnnouncedAlgorithms.Select(name => JsonValue.Create(name))]),
        ["subject_types_supported"] = new JsonArray("public"),
        ["token_endpoint_auth_methods_supported"] = new JsonArray("client_secret_post", "client_secret_basic"),
        ["scopes_supported"] = new JsonArray([.. AuthorizeEndpoint.MappedScopes(provider).Select(scope => JsonValue.Create(scope))]),
        ["claims_supported"] = new JsonArray(
            "sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "email", "email_verified", "name",
            "preferred_username", "groups"),
        ["code_challenge_methods_supported"] = new JsonArray("plain", "S256"),
    };

    private static string At(Uri baseUri, string path) => new Uri(baseUri, path).AbsoluteUri;
}
