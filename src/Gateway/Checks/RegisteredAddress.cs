using Gateway.Settings;
using Gateway.SignIn;
using Gateway.SignOut;

namespace Gateway.Checks;

/// <summary>An address of the gateway that the provider must know, as it must stand there.</summary>
/// <param name="Provider">The provider's `provider_id`.</param>
/// <param name="Use">What the provider calls it.</param>
internal sealed record RegisteredAddress(string Provider, string Use, string Address)
{
    public static IReadOnlyList<RegisteredAddress> Of(GatewaySettings settings)
    {
        string origin = settings.Public.Origin + settings.ScriptName;
        return
        [
            .. settings.Providers.SelectMany(provider => new[]
            {
                new RegisteredAddress(provider.Id, "Redirect URI", SignInFeature.RedirectUri(settings, provider.Id)),
                new RegisteredAddress(provider.Id, "Logout redirect URI", $"{origin}{SignInFeature.PagePath}?loggedout=1"),
                new RegisteredAddress(provider.Id, "Back-channel logout URI", origin + SignOutFeature.BackChannelPath(provider.Id)),
            }),
        ];
    }
}
