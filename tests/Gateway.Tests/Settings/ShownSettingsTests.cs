using Gateway.Settings;

namespace Gateway.Tests.Settings;

/// <summary>What the admin page shows of the environment.</summary>
public sealed class ShownSettingsTests
{
    [Theory]
    [InlineData("secret")]
    [InlineData("api_key")]
    [InlineData("certificate_key")]
    [InlineData("a_member_that_nobody_knows")]
    public void Only_known_members_of_the_providers_are_shown(string member)
    {
        string value = Shown(
            "PAPERLESS_SOCIALACCOUNT_PROVIDERS",
            $$$"""{"openid_connect": {"APPS": [{"client_id": "dms", "settings": {"{{{member}}}": "hush"}}]}}""");

        Assert.Contains("\"client_id\": \"dms\"", value, StringComparison.Ordinal);
        Assert.Contains($"\"{member}\": \"(set)\"", value, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GATEWAY_PAPERLESS_TOKEN", "0123456789", "(set)")]
    [InlineData("GATEWAY_CLIENT_KEY", "-----BEGIN PRIVATE KEY-----", "(set)")]
    [InlineData("GATEWAY_REDIS_URL", "redis://user:hush@host", "(set)")]
    [InlineData("GATEWAY_PAPERLESS_TOKENS", "true", "true")]
    [InlineData("GATEWAY_UPSTREAM_URL", "http://user:hush@paperless:8000/?key=hush,http://other:8000", "http://…@paperless:8000/?…,http://other:8000")]
    [InlineData("GATEWAY_SESSION_IDLE", "24h", "24h")]
    public void A_secret_is_only_said_to_be_set(string name, string value, string shown) => Assert.Equal(shown, Shown(name, value));

    [Fact]
    public void Every_variable_that_is_a_secret_and_no_other_is_only_said_to_be_set() => Assert.Equal(
        ["GATEWAY_CLIENT_KEY", "GATEWAY_PAPERLESS_TOKEN", "GATEWAY_REDIS_URL", "PAPERLESS_ADMIN_PASSWORD", "PAPERLESS_SOCIALACCOUNT_PROVIDERS"],
        SettingsReference.Sections.SelectMany(section => section.Settings)
            .Select(setting => setting.Name)
            .Where(name => Shown(name, "hush") == ShownSettingsReader.Secret)
            .Order(StringComparer.Ordinal));

    private static string Shown(string name, string value)
    {
        Variables variables = new(new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create(name, (string?)value)]).Build());
        variables.Text(name);
        return Assert.Single(new ShownSettingsReader(variables).Read()).Value;
    }
}
