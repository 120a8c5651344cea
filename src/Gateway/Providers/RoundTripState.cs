namespace Gateway.Providers;

/// <summary>The names of the values in the protected `state` of a round trip to a provider.</summary>
internal static class RoundTripState
{
    /// <summary>When the round trip began.</summary>
    public const string StartedAt = "started_at";

    /// <summary>`prompt` of the authorization request (OpenID Connect Core 1.0, section 3.1.2.1).</summary>
    public const string Prompt = "prompt";

    /// <summary>Set if the round trip was restarted, because the first one had expired.</summary>
    public const string Again = "again";
}
