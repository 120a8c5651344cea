using System.Collections.Immutable;
using Gateway.Settings;

namespace Gateway.Tests.Settings;

/// <summary>The variables for accounts and for the gateway's access to the API of Paperless.</summary>
public sealed class AccountSettingsTests : IDisposable
{
    private const string Token = "GATEWAY_PAPERLESS_TOKEN";
    private const string User = "PAPERLESS_ADMIN_USER";
    private const string Password = "PAPERLESS_ADMIN_PASSWORD";

    private static readonly string SeveralProviders = File.ReadAllText(Path.Combine(Repository.Root, "tests/Gateway.Tests/Settings/golden/several-apps.json"));

    private readonly string _folder = Directory.CreateTempSubdirectory("gateway-settings-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void By_default_accounts_match_by_name_new_people_choose_a_username_and_no_groups_are_synced()
    {
        AccountSettings accounts = GivenEnvironment.Read().Good.Accounts;

        Assert.Equal(AccountMatch.Username, accounts.Match);
        Assert.True(accounts.SignupsAllowed);
        Assert.False(accounts.AutoSignup || accounts.SyncGroups || accounts.CreateGroups);
        Assert.Empty(accounts.DefaultGroups);
        Assert.Empty(accounts.SuperuserGroups.Providers);
        Assert.Empty(accounts.StaffGroups.Providers);
        Assert.Equal(new ApiCredential("SECRETofthesuperuser", null, null), accounts.Credential);
    }

    [Fact]
    public void Each_account_variable_has_its_documented_meaning()
    {
        Reading reading = GivenEnvironment.Read(
            ("GATEWAY_MATCH_ACCOUNTS", "Never"),
            ("PAPERLESS_SOCIAL_AUTO_SIGNUP", "true"),
            ("PAPERLESS_SOCIALACCOUNT_ALLOW_SIGNUPS", "no"),
            ("PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS", "1"),
            ("GATEWAY_CREATE_GROUPS", "on"),
            ("PAPERLESS_SOCIAL_ACCOUNT_DEFAULT_GROUPS", "readers, Tax 2026"),
            ("GATEWAY_SUPERUSER_GROUPS", "paperless-admins"),
            ("GATEWAY_STAFF_GROUPS", "paperless-admins,office"));

        AccountSettings accounts = reading.Good.Accounts;
        Assert.Empty(reading.Warnings);
        Assert.Equal(AccountMatch.Never, accounts.Match);
        Assert.True(accounts.AutoSignup);
        Assert.False(accounts.SignupsAllowed);
        Assert.True(accounts.SyncGroups);
        Assert.True(accounts.CreateGroups);
        Assert.Equal(["readers", "Tax 2026"], accounts.DefaultGroups);
        Assert.Equal(["paperless-admins"], accounts.SuperuserGroups.ForProvider("authentik"));
        Assert.Equal(["office", "paperless-admins"], accounts.StaffGroups.ForProvider("authentik").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("PAPERLESS_SOCIAL_AUTO_SIGNUP", "perhaps", "neither true nor false")]
    [InlineData("PAPERLESS_SOCIALACCOUNT_ALLOW_SIGNUPS", "2", "neither true nor false")]
    [InlineData("PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS", "groups", "neither true nor false")]
    [InlineData("GATEWAY_CREATE_GROUPS", "all", "neither true nor false")]
    [InlineData("GATEWAY_MATCH_ACCOUNTS", "email", "neither username nor verified-email nor never")]
    [InlineData("GATEWAY_MATCH_ACCOUNTS", "true", "neither username nor verified-email nor never")]
    [InlineData("PAPERLESS_SOCIAL_ACCOUNT_DEFAULT_GROUPS", ",", "no entry")]
    [InlineData("PAPERLESS_ACCOUNT_DEFAULT_GROUPS", ",", "no entry")]
    [InlineData("GATEWAY_SUPERUSER_GROUPS", ", ,", "no entry")]
    [InlineData("GATEWAY_STAFF_GROUPS", ",", "no entry")]
    [InlineData(Token, "Token SECRET0123456789", "without \"Token\" before it")]
    [InlineData(Token, "SECRET>", "is not an API token")]
    [InlineData(Token, "<SECRET>", "placeholder")]
    [InlineData("GATEWAY_SUPERUSERS_GROUPS", "SECRET", "Did you mean GATEWAY_SUPERUSER_GROUPS?")]
    [InlineData("GATEWAY_PAPERLES_TOKEN", "SECRET", "Did you mean GATEWAY_PAPERLESS_TOKEN?")]
    public void An_invalid_account_setting_is_reported_with_its_remedy(string name, string value, string words)
    {
        Reading reading = GivenEnvironment.Read((name, value));

        Assert.Equal(name, reading.Problem.Variable);
        Assert.Contains(words, reading.Problem.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", reading.Said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, null, true)]
    [InlineData(false, "never", false)]
    [InlineData(false, "username", true)]
    [InlineData(true, null, false)]
    [InlineData(true, "never", false)]
    [InlineData(true, "USERNAME", true)]
    public void With_several_providers_accounts_match_by_name_only_if_set_explicitly_and_with_a_warning(bool several, string? match, bool expected)
    {
        Reading reading = GivenEnvironment.Read(
            ("PAPERLESS_SOCIALACCOUNT_PROVIDERS", several ? SeveralProviders : GivenEnvironment.Providers),
            ("GATEWAY_MATCH_ACCOUNTS", match));

        Assert.Equal(expected ? AccountMatch.Username : AccountMatch.Never, reading.Good.Accounts.Match);
        string[] warned = (several, match) switch
        {
            (true, null) => ["GATEWAY_MATCH_ACCOUNTS is never, because there are several providers"],
            (true, "USERNAME") => ["GATEWAY_MATCH_ACCOUNTS is username with several providers"],
            _ => [],
        };
        Assert.Equal(warned, reading.Warnings.Select(warning => warning[..warning.IndexOf(':', StringComparison.Ordinal)]));
    }

    [Theory]
    [InlineData(false, false, 1)]
    [InlineData(true, false, 2)]
    [InlineData(false, true, 2)]
    public void Matching_by_verified_email_is_warned_of_and_once_more_with_several_providers_or_open_sign_up(bool several, bool signups, int warnings)
    {
        Reading reading = GivenEnvironment.Read(
            ("PAPERLESS_SOCIALACCOUNT_PROVIDERS", several ? SeveralProviders : GivenEnvironment.Providers),
            ("PAPERLESS_ACCOUNT_ALLOW_SIGNUPS", signups ? "true" : "false"),
            ("GATEWAY_MATCH_ACCOUNTS", "verified-email"));

        Assert.Equal(AccountMatch.VerifiedEmail, reading.Good.Accounts.Match);
        Assert.Equal(warnings, reading.Warnings.Count);
        Assert.All(reading.Warnings, warning => Assert.StartsWith("GATEWAY_MATCH_ACCOUNTS is verified-email", warning, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("chiefs", "chiefs")]
    [InlineData("authentik:chiefs", "chiefs")]
    [InlineData("authentik: chiefs", "chiefs")]
    [InlineData("authentik:realm:chiefs", "realm:chiefs")]
    [InlineData("realm:chiefs", "realm:chiefs")]
    [InlineData("Authentik:chiefs", "Authentik:chiefs")]
    public void With_one_provider_a_flag_group_may_be_written_with_or_without_the_provider(string value, string group)
    {
        foreach (string name in new[] { "GATEWAY_SUPERUSER_GROUPS", "GATEWAY_STAFF_GROUPS" })
        {
            AccountSettings accounts = GivenEnvironment.Read((name, value)).Good.Accounts;
            FlagGroups groups = name == "GATEWAY_STAFF_GROUPS" ? accounts.StaffGroups : accounts.SuperuserGroups;

            Assert.Equal([group], groups.ForProvider("authentik"));
        }
    }

    [Fact]
    public void With_several_providers_each_flag_group_names_its_provider()
    {
        AccountSettings accounts = GivenEnvironment.Read(
            ("PAPERLESS_SOCIALACCOUNT_PROVIDERS", SeveralProviders),
            ("GATEWAY_SUPERUSER_GROUPS", "authentik:chiefs, Work_2.0:root:all"),
            ("GATEWAY_STAFF_GROUPS", "authentik:chiefs,authentik:clerks")).Good.Accounts;

        Assert.Equal(["chiefs"], accounts.SuperuserGroups.ForProvider("authentik"));
        Assert.Equal(["root:all"], accounts.SuperuserGroups.ForProvider("Work_2.0"));
        Assert.Empty(accounts.SuperuserGroups.ForProvider("pocket-id"));
        Assert.Equal(["authentik"], accounts.StaffGroups.Providers);
    }

    [Fact]
    public void Several_tenants_of_one_provider_match_nobody_by_name_and_a_flag_group_warns_of_them()
    {
        const string tenants = "6babcaad-604b-40ac-a9d7-9fd97c0b779f,0f1e2d3c-604b-40ac-a9d7-9fd97c0b779f";
        const string providers = """
            {"openid_connect": {"APPS": [{"provider_id": "entra", "name": "Entra", "client_id": "paperless", "secret": "s",
            "settings": {"server_url": "https://login.microsoftonline.com/common/v2.0"}}]}}
            """;

        Reading one = GivenEnvironment.Read(("PAPERLESS_SOCIALACCOUNT_PROVIDERS", providers), ("GATEWAY_ALLOWED_TENANTS", tenants[..36]));
        Reading two = GivenEnvironment.Read(
            ("PAPERLESS_SOCIALACCOUNT_PROVIDERS", providers), ("GATEWAY_ALLOWED_TENANTS", tenants), ("GATEWAY_SUPERUSER_GROUPS", "chiefs"));

        Assert.Equal((AccountMatch.Username, AccountMatch.Never), (one.Good.Accounts.Match, two.Good.Accounts.Match));
        string warning = Assert.Single(two.Warnings, warning => warning.Contains("GATEWAY_ALLOWED_TENANTS", StringComparison.Ordinal));
        Assert.Contains("superuser flag to its own people", warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PAPERLESS_SOCIAL_ACCOUNT_SYNC_SUPERUSER_GROUP", "GATEWAY_SUPERUSER_GROUPS")]
    [InlineData("PAPERLESS_SOCIAL_ACCOUNT_SYNC_STAFF_GROUP", "GATEWAY_STAFF_GROUPS")]
    public void Paperless_own_variable_of_a_flag_names_one_group_of_the_only_provider(string paperless, string own)
    {
        FlagGroups GroupsOf(AccountSettings accounts) => own == "GATEWAY_STAFF_GROUPS" ? accounts.StaffGroups : accounts.SuperuserGroups;
        AccountSettings accounts = GivenEnvironment.Read((paperless, "chiefs, all of them")).Good.Accounts;
        Assert.Equal(["chiefs, all of them"], GroupsOf(accounts).ForProvider("authentik"));
        Assert.True(accounts.SuperusersAreStaff);

        Reading both = GivenEnvironment.Read((paperless, "chiefs"), (own, "clerks"));
        Assert.Equal(["clerks"], GroupsOf(both.Good.Accounts).ForProvider("authentik"));
        Assert.False(both.Good.Accounts.SuperusersAreStaff);
        Assert.Equal([$"{paperless} has no effect, because {own} is set."], both.Warnings);

        SettingsProblem problem = GivenEnvironment.Read(("PAPERLESS_SOCIALACCOUNT_PROVIDERS", SeveralProviders), (paperless, "chiefs")).Problem;
        Assert.Equal(paperless, problem.Variable);
        Assert.Contains($"{own}=authentik:chiefs or", problem.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PAPERLESS_ACCOUNT_SESSION_REMEMBER", "GATEWAY_SESSION_LIFETIME")]
    [InlineData("PAPERLESS_ACCOUNT_DEFAULT_HTTP_PROTOCOL", "PAPERLESS_URL")]
    [InlineData("PAPERLESS_ACCOUNT_EMAIL_VERIFICATION", "sign-up page")]
    [InlineData("PAPERLESS_ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS", "password reset")]
    [InlineData("PAPERLESS_SOCIAL_ACCOUNT_SYNC_SOMETHING_NEW", "does not know it")]
    [InlineData("PAPERLESS_SOCIAL_ACCOUNT_PROVIDERS", "Did you mean PAPERLESS_SOCIALACCOUNT_PROVIDERS?")]
    [InlineData("PAPERLESS_SOCIALACCOUNT_EMAIL_REQUIRED_FILE", "does not know it")]
    public void A_Paperless_variable_about_sign_in_that_has_no_effect_is_a_warning_that_names_it(string name, string hint)
    {
        string warning = Assert.Single(GivenEnvironment.Read((name, "SECRET")).Warnings);

        Assert.StartsWith(name.Replace("_FILE", "", StringComparison.Ordinal) + " has no effect on the gateway.", warning, StringComparison.Ordinal);
        Assert.Contains(hint, warning, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PAPERLESS_AUTO_LOGIN_USERNAME", "alice")]
    [InlineData("PAPERLESS_AUTO_LOGIN_USERNAME_FILE", "/run/secrets/user")]
    [InlineData("PAPERLESS_DEBUG", "true")]
    public void A_setting_with_which_Paperless_does_not_believe_the_gateway_alone_is_refused(string name, string value)
    {
        Assert.Contains("Remove it", GivenEnvironment.Read((name, value)).Problem.Remedy, StringComparison.Ordinal);
        Assert.Empty(GivenEnvironment.Read((name, "")).Problems);
    }

    [Fact]
    public void A_Paperless_without_debugging_is_accepted() => Assert.Empty(GivenEnvironment.Read(("PAPERLESS_DEBUG", "false")).Said);

    [Theory]
    [InlineData("PAPERLESS_SOCIAL_AUTO_SINGUP", "PAPERLESS_SOCIAL_AUTO_SIGNUP")]
    [InlineData("PAPERLESS_FORCE_SCRIPTNAME", "PAPERLESS_FORCE_SCRIPT_NAME")]
    [InlineData("PAPERLES_TRUSTED_PROXIES", "PAPERLESS_TRUSTED_PROXIES")]
    [InlineData("PAPERLESS_UR", "PAPERLESS_URL")]
    public void A_misspelt_variable_of_Paperless_is_a_warning_with_the_right_name(string name, string meant) =>
        Assert.EndsWith($"Did you mean {meant}?", Assert.Single(GivenEnvironment.Read((name, "true")).Warnings), StringComparison.Ordinal);

    [Theory]
    [InlineData("PAPERLESS_OCR_LANGUAGE")]
    [InlineData("PAPERLESS_APPS")]
    [InlineData("PAPERLESS_EMAIL_HOST")]
    public void A_Paperless_variable_about_something_else_is_no_warning(string name) =>
        Assert.Empty(GivenEnvironment.Read((name, "value")).Warnings);

    [Theory]
    [InlineData("GATEWAY_SUPERUSER_GROUPS", "chiefs", "authentik:chiefs or pocket-id:chiefs or Work_2.0:chiefs")]
    [InlineData("GATEWAY_STAFF_GROUPS", "authentik:clerks,realm:chiefs", "authentik:realm:chiefs or")]
    [InlineData("GATEWAY_STAFF_GROUPS", "Authentik:clerks", "authentik:Authentik:clerks or")]
    [InlineData("GATEWAY_SUPERUSER_GROUPS", "authentik:", "Write authentik:group.")]
    public void With_several_providers_a_flag_group_without_a_known_provider_is_refused_with_its_remedy(string name, string value, string remedy)
    {
        SettingsProblem problem = GivenEnvironment.Read(("PAPERLESS_SOCIALACCOUNT_PROVIDERS", SeveralProviders), (name, value)).Problem;

        Assert.Equal(name, problem.Variable);
        Assert.Contains(remedy, problem.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("readers", null, "readers")]
    [InlineData(null, "readers", "readers")]
    [InlineData("readers,family", "family,writers", "readers,family,writers")]
    public void Default_groups_may_be_set_by_either_variable_of_Paperless(string? social, string? all, string expected)
    {
        ImmutableArray<string> groups = GivenEnvironment.Read(("PAPERLESS_SOCIAL_ACCOUNT_DEFAULT_GROUPS", social), ("PAPERLESS_ACCOUNT_DEFAULT_GROUPS", all))
            .Good
            .Accounts
            .DefaultGroups;

        Assert.Equal(expected.Split(','), groups);
    }

    [Fact]
    public void The_admin_user_and_password_of_Paperless_work_in_place_of_an_API_token()
    {
        ApiCredential credential = GivenEnvironment.Read((Token, null), (User, "admin"), (Password, "SECRET of the first")).Good.Accounts.Credential;

        Assert.Equal((null, "admin", "SECRET of the first"), (credential.Token, credential.User, credential.Password));
    }

    [Fact]
    public void An_API_token_takes_precedence_over_the_admin_password()
    {
        ApiCredential credential = GivenEnvironment.Read((Token, "SECRETtoken"), (User, "admin"), (Password, "SECRETpassword")).Good.Accounts.Credential;

        Assert.Equal(new ApiCredential("SECRETtoken", null, null), credential);
    }

    [Fact]
    public void With_an_API_token_an_incomplete_admin_user_and_password_is_accepted() =>
        Assert.Equal("SECRETofthesuperuser", GivenEnvironment.Read((User, "admin")).Good.Accounts.Credential.Token);

    [Fact]
    public void Without_an_API_token_and_an_admin_password_the_start_fails_and_names_the_variables()
    {
        SettingsProblem problem = GivenEnvironment.Read((Token, null)).Problem;

        Assert.Equal(Token, problem.Variable);
        Assert.Contains("is not set", problem.Wrong, StringComparison.Ordinal);
        Assert.All([User, Password, "My Profile", "superuser"], word => Assert.Contains(word, problem.Remedy, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(User, "admin", Password)]
    [InlineData(Password, "SECRET", User)]
    public void An_admin_user_without_a_password_or_the_reverse_names_the_missing_variable(string set, string value, string unset)
    {
        Reading reading = GivenEnvironment.Read((Token, null), (set, value));

        Assert.Equal(unset, reading.Problem.Variable);
        Assert.Contains($"but {set} is", reading.Problem.Wrong, StringComparison.Ordinal);
        Assert.Contains(Token, reading.Problem.Remedy, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", reading.Said, StringComparison.Ordinal);
    }

    [Fact]
    public void The_API_token_and_the_admin_password_may_be_given_as_files()
    {
        Assert.Equal(
            "SECRETfromafile",
            GivenEnvironment.Read((Token, null), (Token + "_FILE", Write("token", "SECRETfromafile\n"))).Good.Accounts.Credential.Token);

        ApiCredential pair = GivenEnvironment.Read(
            (Token, null),
            (User + "_FILE", Write("user", "admin\n")),
            (Password + "_FILE", Write("password", "SECRET word\n"))).Good.Accounts.Credential;

        Assert.Equal(("admin", "SECRET word"), (pair.User, pair.Password));
    }

    [Theory]
    [InlineData(Token, "PAPERLESS_SECRET_KEY")]
    [InlineData(User, Password)]
    [InlineData(Password, User)]
    public void An_unreadable_credential_file_is_the_only_reported_problem(string missing, string there)
    {
        Reading reading = GivenEnvironment.Read((Token, null), (missing + "_FILE", Path.Combine(_folder, "missing")), (there, "SECRET"));

        Assert.Equal(missing + "_FILE", reading.Problem.Variable);
        Assert.DoesNotContain("SECRET", reading.Said, StringComparison.Ordinal);
    }

    [Fact]
    public void Printed_settings_contain_neither_the_API_token_nor_the_admin_password()
    {
        GatewaySettings token = GivenEnvironment.Read((Token, "SECRETtoken")).Good;
        GatewaySettings password = GivenEnvironment.Read((Token, null), (User, "admin"), (Password, "SECRETpassword")).Good;

        Assert.All(
            [token.ToString(), token.Accounts.ToString(), token.Accounts.Credential.ToString(), password.ToString(), password.Accounts
                .ToString(), $"{password.Accounts.Credential}"],
            text => Assert.DoesNotContain("SECRET", text, StringComparison.Ordinal));
    }

    private string Write(string name, string content)
    {
        string file = Path.Combine(_folder, name);
        File.WriteAllText(file, content);
        return file;
    }
}
