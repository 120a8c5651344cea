using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Gateway.Tests.Interop;

/// <summary>How oidc-provider is to behave, and the one client that it knows.</summary>
internal sealed record OidcProviderSettings
{
    // Both with characters that Basic authentication must percent-encode first (RFC 6749, section 2.3.1): a colon
    // in the identifier, and in the secret one that decodes to something else when it was not encoded.
    public string ClientId { get; init; } = "paperless:gateway";
    public string ClientSecret { get; init; } = "a+b c/d:e%41&f=g~\"h\"";

    /// <summary>A second client, of an app: public, with the redirect URI of Swift Paperless. Null: none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? AppClientId { get; init; }

    public required IReadOnlyList<Uri> RedirectUris { get; init; }
    public IReadOnlyList<Uri> PostLogoutRedirectUris { get; init; } = [];

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Uri? BackchannelLogoutUri { get; init; }

    /// <summary>Set: the public key of the client, in the place of its secret.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? ClientJwk { get; init; }

    /// <summary><c>client_secret_basic</c>, <c>client_secret_post</c> or <c>private_key_jwt</c>; others are refused.</summary>
    public string TokenEndpointAuthMethod { get; init; } = "client_secret_basic";

    /// <summary>Pushed authorization requests: <c>none</c>, <c>offered</c> or <c>required</c>.</summary>
    public string PushedRequests { get; init; } = "none";

    /// <summary><c>RS256</c>, <c>ES256</c>, <c>EdDSA</c> or <c>Ed25519</c>.</summary>
    public string IdTokenSignedResponseAlg { get; init; } = "RS256";

    /// <summary>The only scopes that the client may ask for; null: all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ClientScope { get; init; }

    /// <summary>Claims of every person in place of the usual ones; a claim with null is left out.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonObject? Claims { get; init; }

    /// <summary>Keys get the same key ids at each start; null: new ones.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? KidPrefix { get; init; }

    /// <summary>Null: userinfo is JSON; otherwise a JWT.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? UserinfoSignedResponseAlg { get; init; }

    /// <summary>Whether the ID token carries what userinfo does.</summary>
    public bool ClaimsInIdToken { get; init; }

    /// <summary><c>offline_access</c>: as the specification has it, only beside <c>prompt=consent</c>; <c>always</c>: with every code.</summary>
    public string RefreshTokens { get; init; } = "offline_access";

    public int AccessTokenSeconds { get; init; } = 300;

    /// <summary>0: any free port.</summary>
    public int Port { get; init; }
}
