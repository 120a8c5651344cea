using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Providers;

/// <summary>The answer of the userinfo endpoint.</summary>
/// <param name="Claims">Null unless the status is 200.</param>
internal sealed record UserInfoAnswer(HttpStatusCode Status, ClaimSet? Claims = null);

/// <summary>Calls the userinfo endpoint of a provider, at the sign-in and at the recheck (OpenID Connect Core 1.0, section 5.3).</summary>
internal sealed class UserInfoReader(HttpClient backchannel, SignedTokenCheck tokens)
{
    /// <remarks>The caller must compare `sub`, because the consequence of another `sub` differs between sign-in and recheck.</remarks>
    /// <exception cref="ProviderMistakeException">The answer is neither an object of claims nor a valid JWT.</exception>
    /// <exception cref="HttpRequestException">The answer breaks off.</exception>
    /// <exception cref="ProviderUnavailableException">The provider does not answer, or the answer is signed, and the keys of the provider are unknown.
    /// </exception>
    public async Task<UserInfoAnswer> AskAsync(OpenIdConnectConfiguration configuration, string accessToken, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = CreateRequest(configuration.UserInfoEndpoint, accessToken);
        using HttpResponseMessage response = await SendAsync(request, cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            return new UserInfoAnswer(response.StatusCode);
        }

        byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        string? mediaType = response.Content.Headers.ContentType?.MediaType;
        if (IsMediaType(mediaType, "application/json"))
        {
            return new UserInfoAnswer(response.StatusCode, ClaimSet.Parse(WithoutByteOrderMark(body), TokenKind.UserInfo.Name));
        }

        return IsMediaType(mediaType, "application/jwt")
            ? new UserInfoAnswer(response.StatusCode, await CheckAsync(Encoding.Latin1.GetString(body), cancellationToken))
            : throw new ProviderMistakeException($"its userinfo is neither application/json nor application/jwt, but {mediaType ?? "of no media type"}");
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await backchannel.SendAsync(request, cancellationToken);
        }
        catch (Exception error) when (ProviderFailureText.IsFailure(error, cancellationToken))
        {
            throw ProviderFailureText.From(error, request.RequestUri!.GetLeftPart(UriPartial.Path));
        }
    }

    private static HttpRequestMessage CreateRequest(string endpoint, string accessToken)
    {
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? address) || address.Scheme is not ("https" or "http"))
        {
            throw new ProviderMistakeException("its userinfo_endpoint is no address");
        }

        return new HttpRequestMessage(HttpMethod.Get, address) { Headers = { Authorization = Bearer(accessToken) } };
    }

    /// <summary>RFC 6750, section 2.1. Other characters would break the header.</summary>
    /// <exception cref="ProviderMistakeException">The token has such characters.</exception>
    public static AuthenticationHeaderValue Bearer(string accessToken) => accessToken.All(letter => letter is > ' ' and <= '~')
        ? new AuthenticationHeaderValue("Bearer", accessToken)
        : throw new ProviderMistakeException("its access token has letters that no access token may have");

    /// <summary>Checks signed userinfo like an ID token, including issuer and audience (section 5.3.2).</summary>
    private async Task<ClaimSet> CheckAsync(string jwt, CancellationToken cancellationToken)
    {
        ClaimSet claims = (await tokens.CheckAsync(jwt, TokenKind.UserInfo, cancellationToken)).Claims;
        return claims.HasMember("events", TokenKind.LogoutEvent, out _) ? throw new ProviderMistakeException("the userinfo is a logout token") : claims;
    }

    /// <summary>Letter case is ignored (RFC 9110, section 8.3.1). The parameters are removed already.</summary>
    private static bool IsMediaType(string? mediaType, string expected) => string.Equals(mediaType, expected, StringComparison.OrdinalIgnoreCase);

    /// <summary>Removes a byte order mark, which a parser may ignore (RFC 8259, section 8.1).</summary>
    private static ReadOnlySpan<byte> WithoutByteOrderMark(ReadOnlySpan<byte> body) =>
        body.StartsWith(Encoding.UTF8.Preamble) ? body[Encoding.UTF8.Preamble.Length..] : body;
}
