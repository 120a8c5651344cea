using Gateway.Settings;

namespace Gateway.Tests.Shipping;

public sealed class SettingsReferenceTests
{
    private static readonly Dictionary<string, string> Defaults =
        SettingsReference.Sections.SelectMany(section => section.Settings).ToDictionary(setting => setting.Name, setting => setting.Default);

    [Fact]
    public void The_settings_reference_lists_exactly_the_variables_that_the_gateway_reads() =>
        Assert.Equal(GatewaySettingsReader.Names().Order(StringComparer.Ordinal), Defaults.Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void The_required_variables_of_the_reference_are_those_missing_in_an_empty_environment() => Assert.Equal(
        Assert.Throws<SettingsException>(() => Shipped.Read([])).Problems.Select(problem => problem.Variable).Order(StringComparer.Ordinal),
        Required().Order(StringComparer.Ordinal));

    [Fact]
    public void The_defaults_in_the_settings_reference_are_those_of_the_code()
    {
        string[] required = [.. Required()];
        GatewaySettings settings = Shipped.Read(Shipped.GatewayEnvironmentAndSuggestions.Where(variable => required.Contains(variable.Key))).Settings;

        Assert.Equal($"`{settings.Upstreams.Single().OriginalString}`", Defaults["GATEWAY_UPSTREAM_URL"]);
        Assert.Equal($"`{settings.ManagementUrl.OriginalString}`", Defaults["GATEWAY_MANAGEMENT_URL"]);
        Assert.Equal($"`{Path.GetFileName(settings.DataDirectory)}`", Defaults["GATEWAY_DATA_DIR"]);
        Assert.Equal($"`{settings.Identity.UsernameClaim}`", Defaults["GATEWAY_USERNAME_CLAIM"]);
        Assert.EndsWith($"else `{settings.Identity.GroupsClaim}`", Defaults["GATEWAY_GROUPS_CLAIM"], StringComparison.Ordinal);
        Assert.Equal($"`{settings.Session.Idle.TotalHours}h`", Defaults["GATEWAY_SESSION_IDLE"]);
        Assert.Equal($"`{settings.Session.Recheck.TotalMinutes}m`", Defaults["GATEWAY_SESSION_RECHECK"]);
        Assert.Equal($"`{settings.Session.Lifetime.TotalSeconds}`", Defaults["PAPERLESS_SESSION_COOKIE_AGE"]);
        Assert.Equal("Remote-User", settings.Paperless.UserHeader);
        string match = settings.Accounts.Match == AccountMatch.Username ? "`username`" : "`never`";
        Assert.StartsWith(match, Defaults["GATEWAY_MATCH_ACCOUNTS"], StringComparison.Ordinal);
        Assert.Equal(Flag(settings.Accounts.SignupsAllowed), Defaults["PAPERLESS_SOCIALACCOUNT_ALLOW_SIGNUPS"]);
        Assert.Equal(Flag(settings.Accounts.AutoSignup), Defaults["PAPERLESS_SOCIAL_AUTO_SIGNUP"]);
        Assert.Equal(Flag(settings.Accounts.SyncGroups), Defaults["PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS"]);
        Assert.Equal(Flag(settings.Accounts.CreateGroups), Defaults["GATEWAY_CREATE_GROUPS"]);
        Assert.Equal(Flag(settings.Paperless.RegularLoginDisabled), Defaults["PAPERLESS_DISABLE_REGULAR_LOGIN"]);
        Assert.Equal(Flag(settings.Paperless.RedirectLoginToSso), Defaults["PAPERLESS_REDIRECT_LOGIN_TO_SSO"]);
        Assert.Equal(Flag(settings.Paperless.AccountSignupsAllowed), Defaults["PAPERLESS_ACCOUNT_ALLOW_SIGNUPS"]);
        Assert.Equal(SettingsReference.None, Defaults["GATEWAY_REDIS_URL"]);
        Assert.Equal(Flag(settings.StaticCache), Defaults["GATEWAY_STATIC_CACHE"]);
        Assert.StartsWith(Flag(settings.ReadAhead), Defaults["GATEWAY_READ_AHEAD"], StringComparison.Ordinal);
        Assert.Null(settings.Redis);
        Assert.True(
            settings.Accounts.DefaultGroups.IsEmpty && !settings.Accounts.SuperuserGroups.Providers.Concat(settings.Accounts.StaffGroups.Providers).Any());
        Assert.True(settings.TrustedProxies.IsEmpty && settings.Identity.AllowedGroups.IsEmpty && settings.ScriptName.Length == 0);
    }

    private static IEnumerable<string> Required() => Defaults.Where(entry => entry.Value == SettingsReference.Required).Select(entry => entry.Key);

    private static string Flag(bool value) => value ? "`true`" : "`false`";
}
