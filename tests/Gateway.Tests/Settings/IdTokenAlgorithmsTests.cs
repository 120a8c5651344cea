using Gateway.Settings;

namespace Gateway.Tests.Settings;

/// <summary>`GATEWAY_ID_TOKEN_ALGORITHMS`.</summary>
public sealed class IdTokenAlgorithmsTests
{
    private const string Name = "GATEWAY_ID_TOKEN_ALGORITHMS";

    /// <summary>The secret of the first provider has 32 bytes, that of the second 5.</summary>
    private const string TwoProviders = """
        {"openid_connect": {"APPS": [
        {"provider_id": "one", "client_id": "paperless", "secret": "0123456789abcdef0123456789abcdef", "settings": {"server_url": "https://one.example.com/"}},
        {"provider_id": "two", "client_id": "paperless", "secret": "short", "settings": {"server_url": "https://two.example.com/"}}]}}
        """;

    [Theory]
    [InlineData(null, "")]
    [InlineData("RS256", "RS256")]
    [InlineData("authentik:ES256, EdDSA ,ES256", "ES256 EdDSA")]
    public void Algorithms_of_the_only_provider_need_no_name(string? value, string expected)
    {
        ProviderSettings provider = Assert.Single(GivenEnvironment.Read((Name, value)).Settings!.Providers);

        Assert.Equal(expected, string.Join(' ', provider.IdTokenAlgorithms));
    }

    [Fact]
    public void Each_of_several_providers_has_its_own_algorithms()
    {
        GatewaySettings settings = GivenEnvironment.Read(
            ("PAPERLESS_SOCIALACCOUNT_PROVIDERS", TwoProviders),
            (Name, "one:HS256,one:RS256,two:Ed25519")).Settings!;

        Assert.Equal(["HS256 RS256", "Ed25519"], settings.Providers.Select(provider => string.Join(' ', provider.IdTokenAlgorithms)));
    }

    [Theory]
    [InlineData("none", "\"none\" is not an algorithm")]
    [InlineData("one:rs256", "\"rs256\" is not an algorithm")]
    [InlineData("one:", "\"\" is not an algorithm")]
    [InlineData("RS256", "\"RS256\" names none of the providers")]
    [InlineData("three:RS256", "\"three:RS256\" names none of the providers")]
    [InlineData("two:HS256", "HS256 needs a client secret of 32 bytes or more, and the one of two is shorter")]
    [InlineData("one:HS512", "HS512 needs a client secret of 64 bytes or more, and the one of one is shorter")]
    public void An_algorithm_that_cannot_be_meant_is_a_problem(string value, string says)
    {
        Reading reading = GivenEnvironment.Read(("PAPERLESS_SOCIALACCOUNT_PROVIDERS", TwoProviders), (Name, value));

        Assert.Contains(says, Assert.Single(reading.Problems).ToString(), StringComparison.Ordinal);
        Assert.Equal(Name, reading.Problems[0].Variable);
    }
}
