using System.Text.Json;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Providers;

/// <summary>Reads everything that the provider says of a person who signs in, in a browser or in an app: ID token, userinfo, Microsoft Graph.</summary>
internal static class SignInClaims
{
    /// <param name="userInfo">Of the client to which the tokens were given.</param>
    /// <param name="accessToken">The one that came with the ID token; null if there is none.</param>
    /// <exception cref="ProviderMistakeException">Userinfo is about another person, or it cannot be read.</exception>
    /// <exception cref="ProviderUnavailableException">The provider does not answer.</exception>
    public static async Task<JsonElement> ReadAsync(
        Provider provider,
        UserInfoReader userInfo,
        string? accessToken,
        ClaimSet idToken,
        CancellationToken cancellationToken)
    {
        OpenIdConnectConfiguration configuration = await provider.Discovery.GetConfigurationAsync(cancellationToken);
        JsonElement? further = null;
        if (provider.Settings.FetchUserInfo && !string.IsNullOrEmpty(accessToken) && !string.IsNullOrEmpty(configuration.UserInfoEndpoint))
        {
            further = await AskAsync(userInfo, configuration, accessToken, idToken.RequiredText("sub"), cancellationToken);
        }

        return await provider.Graph.AddGroupsAsync(configuration, ProviderClaims.Merge(idToken.Json, further), accessToken, cancellationToken);
    }

    private static async Task<JsonElement> AskAsync(
        UserInfoReader userInfo,
        OpenIdConnectConfiguration configuration,
        string accessToken,
        string subject,
        CancellationToken cancellationToken)
    {
        UserInfoAnswer answer = await userInfo.AskAsync(configuration, accessToken, cancellationToken);
        if (answer.Claims is not { } claims)
        {
            throw ProviderFailureText.UserInfoAnswered(configuration.UserInfoEndpoint, answer.Status, accessToken);
        }

        return claims.RequiredText("sub") == subject
            ? claims.Json
            : throw new ProviderMistakeException("its userinfo is about another person than its ID token");
    }
}
