using System.Collections.Immutable;

namespace Gateway.Settings;

/// <summary>Reads the clients with which apps sign in at each provider, and their issuers.</summary>
internal sealed class AppClientSettingsReader(Variables variables)
{
    private const string ClientsName = "GATEWAY_APP_CLIENT_IDS";

    private const string IssuersName = "GATEWAY_APP_ISSUERS";

    /// <summary>Entries are `provider_id:value`, or `value` if there is only one provider. A value may have colons itself.</summary>
    public ImmutableArray<ProviderSettings> Apply(ImmutableArray<ProviderSettings> providers)
    {
        ILookup<string, string> clients = Read(ClientsName, providers);
        ILookup<string, string> issuers = Read(IssuersName, providers);
        foreach (string issuer in issuers.SelectMany(issuers => issuers).Where(issuer => !IsIssuer(issuer)))
        {
            variables.Problem(IssuersName, $"\"{issuer}\" is no issuer.", "Copy it from the discovery document of the app's client.");
        }

        foreach (string id in issuers.Select(issuers => issuers.Key).Where(id => !clients.Contains(id)))
        {
            variables.Problem(IssuersName, $"names an issuer at {id}, but {ClientsName} names no client there.", $"Set {ClientsName}, too.");
        }

        return
        [
            .. providers.Select(provider => provider with
            {
                AppClientIds = [.. clients[provider.Id].Distinct()],
                AppIssuers = [.. issuers[provider.Id].Distinct()],
            }),
        ];
    }

    private ILookup<string, string> Read(string name, ImmutableArray<ProviderSettings> providers) => variables.List(name)
        .Select(entry => Parse(name, entry, providers))
        .OfType<(string Provider, string Value)>()
        .ToLookup(entry => entry.Provider, entry => entry.Value, StringComparer.Ordinal);

    private (string Provider, string Value)? Parse(string name, string entry, ImmutableArray<ProviderSettings> providers)
    {
        if (providers.FirstOrDefault(provider => entry.StartsWith(provider.Id + ":", StringComparison.Ordinal)) is { } named)
        {
            string value = entry[(named.Id.Length + 1)..].Trim();
            if (value.Length > 0)
            {
                return (named.Id, value);
            }
        }
        else if (providers is [ProviderSettings only])
        {
            return (only.Id, entry);
        }

        // Without providers that can be read, PAPERLESS_SOCIALACCOUNT_PROVIDERS has a problem of its own.
        if (providers.Length > 0)
        {
            string choices = string.Join(" or ", providers.Select(provider => $"{provider.Id}:…"));
            variables.Problem(name, $"\"{entry}\" does not say for which provider it is.", $"Write {choices}.");
        }

        return null;
    }

    private static bool IsIssuer(string text) => Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "https" or "http";
}
