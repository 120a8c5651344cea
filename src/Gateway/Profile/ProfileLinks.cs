using System.Text.Json.Nodes;
using Gateway.PasswordSessions;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Profile;

/// <summary>Adds the gateway's providers and account links to the responses of Paperless's My Profile.</summary>
internal sealed class ProfileLinks(IAccountLinkStore links, GatewaySettings settings)
{
    /// <summary>Completes the response of `/api/profile/`. The gateway's ids are negative, because Paperless numbers its social accounts from 1.</summary>
    public async Task<bool> CompleteProfileAsync(JsonNode response, SignedInUser user)
    {
        if (response is not JsonObject profile || profile["social_accounts"] is not JsonArray accounts)
        {
            return false;
        }

        foreach (AccountLink link in await links.FindByUserAsync(user.Id, CancellationToken.None))
        {
            accounts.Add(new JsonObject { ["id"] = ShownId(link), ["provider"] = link.Provider, ["name"] = link.Label });
        }

        return true;
    }

    /// <summary>Completes the response of `/api/profile/social_account_providers/`. An entry of Paperless with the address of a provider is replaced.</summary>
    public Task<bool> CompleteProvidersAsync(JsonNode response, SignedInUser user)
    {
        if (response is not JsonArray providers)
        {
            return Task.FromResult(false);
        }

        foreach (ProviderSettings provider in settings.Providers)
        {
            string path = $"{settings.ScriptName}/accounts/oidc/{provider.Id}/login/";
            int position = providers.Count;
            for (int index = providers.Count - 1; index >= 0; index--)
            {
                if (PathOf(providers[index]) == path)
                {
                    providers.RemoveAt(index);
                    position = index;
                }
            }

            providers.Insert(position, new JsonObject { ["name"] = provider.Name, ["login_url"] = path + "?process=connect" });
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

        // On Linux, Uri parses a path as an absolute file URI, so a path is recognised by its slash.
        return (!url.StartsWith('/') && Uri.TryCreate(url, UriKind.Absolute, out Uri? absolute) ? absolute.AbsolutePath : url).Split('?', '#')[0];
    }
}
