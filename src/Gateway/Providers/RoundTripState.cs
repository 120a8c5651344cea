using System.Collections.Immutable;

namespace Gateway.Providers;

/// <summary>The names of the values in the protected `state` of a round trip to a provider.</summary>
internal static class RoundTripState
{
    /// <summary>When the round trip began.</summary>
    public const string StartedAt = "started_at";

    /// <summary>`prompt` of the authorization request (OpenID Connect Core 1.0, section 3.1.2.1).</summary>
    public const string Prompt = "prompt";

    /// <summary>`login_hint` of the authorization request, from a sign-in that began at the provider.</summary>
    public const string LoginHint = "login_hint";

    /// <summary>Set if the round trip was restarted, because the first one had expired.</summary>
    public const string Again = "again";

    /// <summary>The scopes that the authorization request named.</summary>
    public const string Scopes = "scopes";

    /// <summary>Set if the provider has refused the same round trip with `offline_access`.</summary>
    public const string WithoutOfflineAccess = "without_offline_access";

    /// <summary>Who began the Connect.</summary>
    public const string Connect = "connect";

    /// <summary>The device password that the round trip is to make.</summary>
    public const string DevicePassword = "device_password";

    /// <summary>The session that the silent authentication is about.</summary>
    public const string Recheck = "recheck";

    /// <summary>Set if the tokens of the silent authentication replace a refresh token.</summary>
    public const string ReplacesRefreshToken = "replaces_refresh_token";

    /// <summary>What a repeated round trip keeps.</summary>
    public static readonly ImmutableArray<string> Kept = [Prompt, LoginHint, Again, Connect, DevicePassword, Recheck, ReplacesRefreshToken];
}
