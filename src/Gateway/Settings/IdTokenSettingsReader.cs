using System.Collections.Immutable;
using System.Text;

namespace Gateway.Settings;

/// <summary>Reads the algorithms of ID tokens for which the client is registered at each provider.</summary>
internal sealed class IdTokenSettingsReader(Variables variables)
{
    private const string Name = "GATEWAY_ID_TOKEN_ALGORITHMS";

    /// <summary>Entries are `provider_id:algorithm`, or `algorithm` if there is only one provider.</summary>
    public ImmutableArray<ProviderSettings> Apply(ImmutableArray<ProviderSettings> providers)
    {
        ILookup<string, string> algorithms = variables.List(Name)
            .Select(entry => Parse(entry, providers))
            .OfType<(string Provider, string Algorithm)>()
            .ToLookup(entry => entry.Provider, entry => entry.Algorithm, StringComparer.Ordinal);
        return [.. providers.Select(provider => provider with { IdTokenAlgorithms = [.. algorithms[provider.Id].Distinct()] })];
    }

    private (string Provider, string Algorithm)? Parse(string entry, ImmutableArray<ProviderSettings> providers)
    {
        int colon = entry.IndexOf(':', StringComparison.Ordinal);
        string algorithm = entry[(colon + 1)..].Trim();
        if (!SigningAlgorithms.Supported.Contains(algorithm))
        {
            variables.Problem(Name, $"\"{algorithm}\" is not an algorithm that the gateway can check.", "Write one like RS256, ES256, EdDSA or HS256.");
            return null;
        }

        string? id = colon < 0 ? null : entry[..colon].Trim();
        ProviderSettings[] named = [.. providers.Where(provider => id is null ? providers.Length == 1 : provider.Id == id)];
        if (named is not [ProviderSettings provider])
        {
            // Without providers that can be read, PAPERLESS_SOCIALACCOUNT_PROVIDERS has a problem of its own.
            if (providers.Length > 0)
            {
                string choices = string.Join(" or ", providers.Select(one => $"{one.Id}:{algorithm}"));
                variables.Problem(Name, $"\"{entry}\" names none of the providers.", $"Write {choices}.");
            }

            return null;
        }

        int minBytes = SigningAlgorithms.MinSecretBytes(algorithm);
        if (SigningAlgorithms.UsesSecret(algorithm) && Encoding.UTF8.GetByteCount(provider.ClientSecret) < minBytes)
        {
            variables.Problem(
                Name,
                $"{algorithm} needs a client secret of {minBytes} bytes or more, and the one of {provider.Id} is shorter.",
                "Give the client a longer secret, or choose another algorithm at the provider.");
        }

        return (provider.Id, algorithm);
    }
}
