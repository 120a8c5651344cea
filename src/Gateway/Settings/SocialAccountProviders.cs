using System.Collections.Immutable;
using System.Text.Json;

namespace Gateway.Settings;

/// <summary>Reads `PAPERLESS_SOCIALACCOUNT_PROVIDERS` in the format of django-allauth: each entry of `openid_connect.APPS` is a provider.</summary>
/// <param name="clientKey">The key for clients without a secret; null if there is none.</param>
internal sealed class SocialAccountProviders(string variable, Variables variables, ClientKey? clientKey)
{
    private readonly ProvidersJson _json = new(variable, variables);

    private readonly ProviderNames _names = new(variable, variables);

    public ImmutableArray<ProviderSettings> Read(string? text)
    {
        if (text is null && variables.IsUnreadable(variable))
        {
            return [];
        }

        if (text is null)
        {
            variables.Problem(variable, "is not set.", "Copy the value that Paperless's own sign-in uses (authentik's guide for Paperless-ngx has one).");
            return [];
        }

        if (_json.Parse(text) is not { } document)
        {
            return [];
        }

        using (document)
        {
            try
            {
                return Read(document.RootElement);
            }
            catch (InvalidOperationException)
            {
                // JsonElement decodes texts when they are read, and throws at an unpaired surrogate.
                variables.Problem(variable, "has a \\u escape that is only half of a character.", "Write the character itself.");
                return [];
            }
        }
    }

    private ImmutableArray<ProviderSettings> Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            variables.Problem(variable, "is not a JSON object.", "It starts with {\"openid_connect\": {\"APPS\": [ … ]}}.");
            return [];
        }

        foreach (JsonProperty kind in root.EnumerateObject())
        {
            if (kind.Name != "openid_connect")
            {
                variables.Warn($"{variable}: the provider kind \"{kind.Name}\" is not OpenID Connect and is ignored by the gateway.");
            }
        }

        _ = ProvidersJson.TryGet(root, "openid_connect", JsonValueKind.Object, out JsonElement connect);
        if (Apps(connect) is not { Length: > 0 } apps)
        {
            variables.Problem(variable, "names no OpenID Connect provider.", "Put at least one entry into openid_connect.APPS.");
            return [];
        }

        _names.WarnOfConnect(connect);
        ReportPlaceholders(connect, "openid_connect");
        ProviderReader reader = new(variable, variables, _json, _names, clientKey);
        ImmutableArray<ProviderSettings>.Builder providers = ImmutableArray.CreateBuilder<ProviderSettings>(apps.Length);
        for (int index = 0; index < apps.Length; index++)
        {
            if (reader.Read(apps[index], $"openid_connect.APPS[{index}]", connect) is { } provider)
            {
                providers.Add(provider);
            }
        }

        foreach (IGrouping<string, ProviderSettings> twice in providers.GroupBy(provider => provider.Id, StringComparer.OrdinalIgnoreCase)
            .Where(group => group.Count() > 1))
        {
            variables.Problem(
                variable,
                $"the provider_id \"{twice.Key}\" stands {twice.Count()} times in openid_connect.APPS.",
                "Give each provider an id of its own.");
        }

        foreach (IGrouping<Uri, ProviderSettings> same in providers
            .GroupBy(provider => new Uri(provider.DiscoveryUrl.AbsoluteUri.TrimEnd('/'))).Where(group => group.Count() > 1))
        {
            string ids = string.Join(" and ", same.Select(provider => $"\"{provider.Id}\""));
            variables.Problem(
                variable,
                $"the providers {ids} have the same server_url, and an issuer has one provider.",
                "Keep one of them; two applications of one authentik have a server_url each.");
        }

        if (clientKey is not null && providers.All(provider => provider.ClientKey is null))
        {
            variables.Warn($"{variables.Source(GatewaySettingsReader.ClientKeyVariable)}: no provider uses the key. Remove \"secret\" from the provider "
                + "that it is for.");
        }

        return providers.ToImmutable();
    }

    private void ReportPlaceholders(JsonElement value, string place)
    {
        if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in value.EnumerateObject())
            {
                ReportPlaceholders(property.Value, $"{place}.{property.Name}");
            }
        }
        else if (value.ValueKind == JsonValueKind.Array)
        {
            int index = 0;
            foreach (JsonElement item in value.EnumerateArray())
            {
                ReportPlaceholders(item, $"{place}[{index++}]");
            }
        }
        else if (value.ValueKind == JsonValueKind.String && Placeholder.Find(value.GetString()!) is { } placeholder)
        {
            variables.ReportPlaceholder(variable, place, placeholder);
        }
    }

    /// <summary>Like allauth, accepts a single `APP` instead of `APPS`.</summary>
    private static JsonElement[]? Apps(JsonElement connect)
    {
        if (ProvidersJson.TryGet(connect, "APPS", JsonValueKind.Array, out JsonElement apps))
        {
            return [.. apps.EnumerateArray()];
        }

        return ProvidersJson.TryGet(connect, "APP", JsonValueKind.Object, out JsonElement app) ? [app] : null;
    }
}
