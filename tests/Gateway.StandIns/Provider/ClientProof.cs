using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace Gateway.StandIns.Provider;

/// <summary>How a client proves itself at the token endpoint, and where it pushes an authorization request.</summary>
internal sealed record ClientProof(string? ClientId, string? Secret, bool IsBasic)
{
    public static ClientProof Read(DevelopmentProviderOptions options, HttpRequest request, IFormCollection form)
    {
        if (!AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out AuthenticationHeaderValue? header))
        {
            return new ClientProof(form["client_id"], form["client_secret"], IsBasic: false);
        }

        return header.Scheme == "Basic" && DecodeBasic(options, header.Parameter) is [var client, var secret]
            ? new ClientProof(client, secret, IsBasic: true)
            : new ClientProof(null, null, IsBasic: true);
    }

    public static bool IsValid(DevelopmentProviderOptions options, ClientProof proof)
    {
        if (proof.ClientId != options.ClientId)
        {
            return false;
        }

        if (options.PublicClient)
        {
            return true;
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
