namespace Gateway.Providers;

/// <summary>What a round trip to a provider keeps in its protected state, by name.</summary>
internal static class RoundTripState
{
    /// <summary>When the round trip began.</summary>
    public const string StartedAt = "started_at";

    /// <summary>`prompt` of the authorization request (OpenID Connect Core 1.0, section 3.1.2.1).</summary>
    public const string Prompt = "prompt";

    /// <summary>The round trip was begun once more because the one before was stale.</summary>
    public const string Again = "again";
}
