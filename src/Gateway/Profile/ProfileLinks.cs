using System.Text.Json.Nodes;
using Gateway.PasswordSessions;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Profile;

/// <summary>The gateway's providers and links as Paperless's own My Profile shows them, beside Paperless's own.</summary>
internal sealed class ProfileLinks(IAccountLinkStore links, GatewaySettings settings)
{
    /// <summary>Adds to the answer of `/api/profile/`. Paperless counts its own from 1 up: the gateway's numbers are negative.</summary>
    public async Task<bool> CompleteProfileAsync(JsonNode answer, SignedInUser user)
    {
        if (answer is not JsonObject profile || profile["social_accounts"] is not JsonArray accounts)
        {
            return false;
        }

        foreach (AccountLink link in await links.FindByUserAsync(user.Id, CancellationToken.None))
        {
            accounts.Add(new JsonObject { ["id"] = ShownId(link), ["provider"] = link.Provider, ["name"] = link.Label });
        }

        return true;
    }

    /// <summary>Adds to the answer of `/api/profile/social_account_providers/`. What Paperless lists under a provider's address is that provider.</summary>
    public Task<bool> CompleteProvidersAsync(JsonNode answer, SignedInUser user)
    {
        if (answer is not JsonArray providers)
        {
            return Task.FromResult(false);
        }

        foreach (ProviderSettings provider in settings.Providers)
        {
            string path = $"{settings.ScriptName}/accounts/oidc/{provider.Id}/login/";
            int place = providers.Count;
            for (int index = providers.Count - 1; index >= 0; index--)
            {
                if (PathOf(providers[index]) == path)
                {
                    providers.RemoveAt(index);
                    place = index;
                }
            }

            providers.Insert(place, new JsonObject { ["name"] = provider.Name, ["login_url"] = path + "?process=connect" });
        }

        return Task.FromResult(true);
    }

    public static long ShownId(AccountLink link) => -link.Id;

    private static string? PathOf(JsonNode? provider)
    {
        if ((provider as JsonObject)?["login_url"] is not JsonValue value || !value.TryGetValue(out string? url))
        {
            return null;
        }

        // A path is an absolute file address on this system: by its slash it is told from one of a site.
        return (!url.StartsWith('/') && Uri.TryCreate(url, UriKind.Absolute, out Uri? absolute) ? absolute.AbsolutePath : url).Split('?', '#')[0];
    }
}
