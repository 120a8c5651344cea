using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.Groups;
using Gateway.Settings;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Providers;

/// <summary>
/// Asks Microsoft Graph for the groups of a person in too many groups: Microsoft Entra then leaves the groups out of its tokens (overage). The
/// address comes from the discovery document, and never from a token: the endpoint in `_claim_sources` is that of the retired Azure AD Graph.
/// </summary>
internal sealed partial class MicrosoftGraph(ProviderSettings provider, HttpClient backchannel, IdentitySettings identity, ILogger<MicrosoftGraph> logger)
{
    /// <summary>Microsoft Graph in the public cloud and in the national clouds.</summary>
    private static readonly string[] Hosts = ["graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"];

    /// <summary>In one answer, of up to 11,000 ids. The delegated permission `User.Read` is enough for the person's own groups.</summary>
    private const string Path = "/v1.0/me/getMemberObjects";

    private const int MaxShownLength = 200;

    /// <param name="claims">What ID token and userinfo say.</param>
    /// <param name="accessToken">The access token that came with them; null if there is none.</param>
    /// <returns>The claims, with the groups if they were left out and Microsoft Graph names them.</returns>
    public async Task<JsonElement> AddGroupsAsync(
        OpenIdConnectConfiguration configuration,
        JsonElement claims,
        string? accessToken,
        CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(accessToken) || !GroupOverage.AreGroupsLeftOut(claims, identity.GroupsClaim) || FindAddress(configuration) is not { } address)
        {
            return claims;
        }

        try
        {
            JsonObject complete = JsonObject.Create(claims)!;
            complete[GroupOverage.Claim] = JsonNode.Parse((await AskAsync(address, accessToken, cancellationToken)).GetRawText());
            return JsonSerializer.SerializeToElement(complete);
        }
        catch (Exception error) when (ProviderFailureText.IsFailure(error, cancellationToken))
        {
            Exception worded = error is ProviderMistakeException ? error : ProviderFailureText.From(error, address.AbsoluteUri);
            _ = claims.TryGetProperty("sub", out JsonElement sub);
            NotFetched(provider.Id, ClaimPath.Text(sub), worded.Message);
            return claims;
        }
    }

    /// <summary>
    /// Null if the access token is for another API: it is one for Microsoft Graph if the provider's userinfo endpoint, which takes the token, is there.
    /// </summary>
    private static Uri? FindAddress(OpenIdConnectConfiguration configuration)
    {
        string? host = configuration.AdditionalData.TryGetValue("msgraph_host", out object? value) ? value?.ToString() : null;
        return host is not null && Hosts.Contains(host, StringComparer.OrdinalIgnoreCase)
            && Uri.TryCreate(configuration.UserInfoEndpoint, UriKind.Absolute, out Uri? userInfo)
            && userInfo.GetLeftPart(UriPartial.Authority).Equals("https://" + host, StringComparison.OrdinalIgnoreCase)
                ? new Uri($"https://{host}{Path}")
                : null;
    }

    /// <returns>A JSON list of object ids, which are what the groups claim of a token has.</returns>
    private async Task<JsonElement> AskAsync(Uri address, string accessToken, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, address);
        request.Headers.Authorization = UserInfoReader.Bearer(accessToken);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));

        // With `true`, groups of Microsoft 365 would be missing, which the groups claim can have.
        request.Content = new StringContent("""{"securityEnabledOnly":false}""", Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await backchannel.SendAsync(request, cancellationToken);
        byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new ProviderMistakeException($"{address} answered {(int)response.StatusCode}{ErrorCodeOf(body)}");
        }

        ClaimSet answer = ClaimSet.Parse(body, "the answer of Microsoft Graph");
        if (answer.Has("@odata.nextLink")
            || !answer.Json.TryGetProperty("value", out JsonElement ids)
            || ids.ValueKind != JsonValueKind.Array
            || !ids.EnumerateArray().All(id => id.ValueKind == JsonValueKind.String))
        {
            throw new ProviderMistakeException("the answer of Microsoft Graph is no complete list of ids");
        }

        return ids;
    }

    /// <summary>Microsoft Graph's `error.code`, such as `Authorization_RequestDenied`; empty if there is none.</summary>
    private static string ErrorCodeOf(byte[] body)
    {
        try
        {
            bool hasCode = ClaimSet.Parse(body, "the answer of Microsoft Graph").HasMember("error", "code", out JsonElement code);
            return hasCode && ClaimPath.Text(code) is { Length: > 0 and <= MaxShownLength } text ? $" ({ProviderFailureText.ErrorCode(text)})" : "";
        }
        catch (ProviderMistakeException)
        {
            return "";
        }
    }

    [LoggerMessage(
        EventId = 3013,
        EventName = "GroupsNotFetched",
        Level = LogLevel.Warning,
        Message = "{Provider} left out the groups of {Subject}, and Microsoft Graph does not name them either: {Reason}. Grant the application the "
            + "delegated permission User.Read")]
    private partial void NotFetched(string provider, string? subject, string reason);
}
