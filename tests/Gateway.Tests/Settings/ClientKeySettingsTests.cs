using System.Security.Cryptography;
using Gateway.Settings;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Settings;

/// <summary>`GATEWAY_CLIENT_KEY`: which keys are taken, and which providers they are for.</summary>
public sealed class ClientKeySettingsTests : IDisposable
{
    private const string Name = "GATEWAY_CLIENT_KEY";

    private const string Variable = "PAPERLESS_SOCIALACCOUNT_PROVIDERS";

    private const string WithoutSecret = """
        {"openid_connect": {"APPS": [{"provider_id": "authentik", "client_id": "paperless",
        "settings": {"server_url": "https://auth.example.com/application/o/paperless/"METHOD}}]}}
        """;

    private readonly string _file = Path.GetTempFileName();

    [Fact]
    public void A_text_without_a_usable_private_key_is_a_problem_that_names_the_variable_and_quotes_nothing()
    {
        using RSA rsa = RSA.Create(2048);
        using RSA small = RSA.Create(1024);
        using ECDsa p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        (string Pem, string Wrong)[] cases =
        [
            ("SECRET", "holds no private key in PEM format."),
            (rsa.ExportSubjectPublicKeyInfoPem(), "holds no private key in PEM format."),
            (rsa.ExportEncryptedPkcs8PrivateKeyPem("SECRET", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1)),
                "holds a private key with a password."),
            (small.ExportPkcs8PrivateKeyPem(), "holds an RSA key of fewer than 2048 bits."),
            (p384.ExportPkcs8PrivateKeyPem(), "holds an EC key of another curve than P-256."),
            (PemEncoding.WriteString("PRIVATE KEY", [1, 2, 3]), "holds a private key that is neither RSA nor EC, or is damaged."),
        ];
        foreach ((string pem, string wrong) in cases)
        {
            File.WriteAllText(_file, pem);

            Reading reading = GivenEnvironment.Read((Name + "_FILE", _file));
            Reading inline = GivenEnvironment.Read((Name, pem));

            Assert.Equal((Name + "_FILE", wrong), (reading.Problem.Variable, reading.Problem.Wrong));
            Assert.Equal((Name, wrong), (inline.Problem.Variable, inline.Problem.Wrong));
            Assert.Contains("PEM", reading.Problem.Remedy, StringComparison.Ordinal);
            Assert.DoesNotContain("SECRET", reading.Said, StringComparison.Ordinal);
            Assert.DoesNotContain(pem.Trim().Split('\n')[^1], reading.Said, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("", nameof(TokenAuthMethod.PrivateKeyJwt))]
    [InlineData(", \"token_auth_method\": \"private_key_jwt\"", nameof(TokenAuthMethod.PrivateKeyJwt))]
    [InlineData(", \"token_auth_method\": \"none\"", nameof(TokenAuthMethod.None))]
    public void The_key_is_for_providers_without_a_secret_unless_they_are_public_clients(string method, string expected)
    {
        using ClientKeyPair key = ClientKeyPair.CreateEc();
        string providers = WithoutSecret.Replace("METHOD", method, StringComparison.Ordinal);

        ProviderSettings provider = GivenEnvironment.Read((Name, key.PrivatePem), (Variable, providers)).Good.Providers[0];

        Assert.Equal(expected, provider.TokenAuthMethod.ToString());
        Assert.Equal(expected == nameof(TokenAuthMethod.PrivateKeyJwt), provider.ClientKey is not null);
        Assert.DoesNotContain(key.PrivatePem.Split('\n')[1], $"{provider} {provider.ClientKey}", StringComparison.Ordinal);
    }

    [Fact]
    public void A_provider_with_a_secret_goes_on_sending_it_and_a_key_that_nobody_uses_is_a_warning()
    {
        using ClientKeyPair key = ClientKeyPair.CreateEc();

        Reading reading = GivenEnvironment.Read((Name, key.PrivatePem));

        Assert.Null(reading.Good.Providers[0].ClientKey);
        Assert.StartsWith($"{Name}: no provider uses the key.", Assert.Single(reading.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Private_key_jwt_without_a_key_is_a_problem_that_names_the_variable_of_the_file()
    {
        string providers = WithoutSecret.Replace("METHOD", ", \"token_auth_method\": \"private_key_jwt\"", StringComparison.Ordinal);

        Assert.Equal(Name + "_FILE", GivenEnvironment.Read((Variable, providers)).Problem.Variable);
        Assert.Equal(Name + "_FILE", GivenEnvironment.Read((Variable, providers), (Name + "_FILE", "/missing")).Problem.Variable);
    }

    public void Dispose() => File.Delete(_file);
}
