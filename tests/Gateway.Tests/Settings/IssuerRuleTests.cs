using Gateway.Settings;

namespace Gateway.Tests.Settings;

/// <summary>Which issuer a discovery document may name.</summary>
public sealed class IssuerRuleTests
{
    private const string Authentik = "https://auth.example.com/application/o/paperless/.well-known/openid-configuration";

    [Theory]
    [InlineData(Authentik, "https://auth.example.com/application/o/paperless/")]
    [InlineData(Authentik, "https://auth.example.com/application/o/paperless")]
    [InlineData(Authentik, "https://AUTH.example.com:443/application/o/paperless/")]
    [InlineData(Authentik, "https://auth.example.com/")]
    [InlineData(Authentik, "https://auth.example.com")]
    [InlineData(Authentik, "https://auth.example.com/application/o/")]
    [InlineData("https://accounts.google.com/.well-known/openid-configuration", "https://accounts.google.com")]
    [InlineData("https://login.microsoftonline.com/6d2c/v2.0/.well-known/openid-configuration", "https://login.microsoftonline.com/6d2c/v2.0")]
    [InlineData("https://id.example.com:8443/realms/home/.well-known/openid-configuration", "https://id.example.com:8443/realms/home")]
    [InlineData("https://id.example.com/.well-known/oauth-authorization-server/tenant", "https://id.example.com/tenant")]
    public void An_issuer_equal_to_the_discovery_URL_or_above_it_is_accepted(string discovery, string issuer) =>
        Assert.True(IssuerRule.IsAllowed(new Uri(discovery), issuer));

    [Theory]
    [InlineData(Authentik, "https://auth.example.com/application/o/other/")]
    [InlineData(Authentik, "https://auth.example.com/application/o/paper")]
    [InlineData(Authentik, "https://auth.example.com/application/o/paperless/more/")]
    [InlineData(Authentik, "https://auth.example.com/application/o/paperless-2/")]
    [InlineData(Authentik, "https://auth.example.com/application/o/PAPERLESS/")]
    [InlineData(Authentik, "https://auth.example.com/other")]
    [InlineData(Authentik, "http://auth.example.com/application/o/paperless/")]
    [InlineData(Authentik, "https://auth.example.com:8443/application/o/paperless/")]
    [InlineData(Authentik, "https://example.com/application/o/paperless/")]
    [InlineData(Authentik, "https://auth.example.com.evil.example/application/o/paperless/")]
    [InlineData(Authentik, "https://auth.example.com@evil.example/application/o/paperless/")]
    [InlineData(Authentik, "https://user@auth.example.com/application/o/paperless/")]
    [InlineData(Authentik, "https://auth.example.com/application/o/paperless/?x=1")]
    [InlineData(Authentik, "https://auth.example.com/application/o/paperless/#x")]
    [InlineData(Authentik, "/application/o/paperless/")]
    [InlineData(Authentik, "paperless")]
    [InlineData(Authentik, "")]
    [InlineData("https://login.microsoftonline.com/6d2c/v2.0/.well-known/openid-configuration", "https://login.microsoftonline.com/77aa/v2.0")]
    [InlineData("https://login.microsoftonline.com/6d2c/.well-known/openid-configuration", "https://sts.windows.net/6d2c/")]
    public void Every_other_issuer_is_refused(string discovery, string issuer) =>
        Assert.False(IssuerRule.IsAllowed(new Uri(discovery), issuer));

    [Theory]
    [InlineData("https://auth.example.com", "https://auth.example.com/", true)]
    [InlineData("https://auth.example.com/a", "https://AUTH.example.com:443/a/", true)]
    [InlineData("https://auth.example.com/a", "https://auth.example.com/b", false)]
    [InlineData("https://auth.example.com/a", "https://auth.example.com/A", false)]
    [InlineData("https://auth.example.com/a", "http://auth.example.com/a", false)]
    public void Two_spellings_of_an_issuer_are_the_same_issuer(string one, string other, bool same) => Assert.Equal(same, IssuerRule.IsSame(one, other));
}
