using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace Gateway.StandIns.Provider;

/// <summary>How a client proves itself at the token endpoint, and where it pushes an authorization request.</summary>
internal sealed record ClientProof(string? ClientId, string? Secret, bool IsBasic)
{
    /// <summary>A JWT that is signed with the client's key (RFC 7523).</summary>
    public string? Assertion { get; init; }

    public string? AssertionType { get; init; }

    public static ClientProof Read(DevelopmentProviderOptions options, HttpRequest request, IFormCollection form)
    {
        if (!AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out AuthenticationHeaderValue? header))
        {
            return new ClientProof(form["client_id"], form["client_secret"], IsBasic: false)
            {
                Assertion = form["client_assertion"],
                AssertionType = form["client_assertion_type"],
            };
        }

        return header.Scheme == "Basic" && DecodeBasic(options, header.Parameter) is [var client, var secret]
            ? new ClientProof(client, secret, IsBasic: true)
            : new ClientProof(null, null, IsBasic: true);
    }

    /// <param name="endpoint">The address at which the client proves itself.</param>
    public static bool IsValid(DevelopmentProvider provider, ClientProof proof, Uri endpoint)
    {
        DevelopmentProviderOptions options = provider.Options;
        if (proof.ClientId is not null && proof.ClientId == options.AppClientId)
        {
            return proof is { IsBasic: false, Secret: null or "", Assertion: null };
        }

        if (proof.ClientId != options.ClientId)
        {
            return false;
        }

        if (options.PublicClient)
        {
            return true;
        }

        if (options.ClientPublicKey is not null)
        {
            return proof is { IsBasic: false, Secret: null or "", Assertion: { Length: > 0 } assertion }
                && proof.AssertionType == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
                && provider.ClientAssertions.IsValid(assertion, endpoint);
        }

        if (options.ClientAuthentication == (proof.IsBasic ? ClientAuthentication.PostOnly : ClientAuthentication.BasicOnly))
        {
            return false;
        }

        return CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(proof.Secret ?? ""), Encoding.UTF8.GetBytes(options.ClientSecret));
    }

    /// <returns>Identifier and secret; empty if they cannot be read.</returns>
    public static string[] DecodeBasic(DevelopmentProviderOptions options, string? parameter)
    {
        byte[] bytes = new byte[parameter?.Length ?? 0];
        string[] parts = Convert.TryFromBase64String(parameter ?? "", bytes, out int count)
            ? Encoding.UTF8.GetString(bytes, 0, count).Split(':', 2)
            : [];
        return options.DecodesBasicCredentials ? [.. parts.Select(part => Decode(options, part))] : parts;
    }

    private static string Decode(DevelopmentProviderOptions options, string value) =>
        Uri.UnescapeDataString(options.DecodesBasicPlusAsSpace ? value.Replace('+', ' ') : value);
}
