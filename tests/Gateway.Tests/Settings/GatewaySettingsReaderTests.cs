using System.Net;
using Gateway.Settings;

namespace Gateway.Tests.Settings;

public sealed class GatewaySettingsReaderTests
{
    [Fact]
    public void Four_variables_are_enough_and_the_other_settings_have_defaults()
    {
        Reading reading = GivenEnvironment.Read();

        GatewaySettings settings = reading.Good;
        Assert.Empty(reading.Warnings);
        Assert.Equal("https://docs.example.com", settings.Public.Origin);
        Assert.Equal("", settings.ScriptName);
        Assert.False(settings.AllowedHosts.Matches("localhost"));
        Assert.Empty(settings.TrustedProxies);
        Assert.Equal([new Uri("http://localhost:8000")], settings.Upstreams);
        Assert.Equal(Path.GetFullPath("data"), settings.DataDirectory);
        Assert.Equal(new Uri("http://127.0.0.1:8081"), settings.ManagementUrl);
        Assert.Equal("preferred_username", settings.Identity.UsernameClaim);
        Assert.Equal("groups", settings.Identity.GroupsClaim);
        Assert.Empty(settings.Identity.AllowedGroups);
        Assert.False(settings.Identity.GroupMap.TryMap(["anything"], out _));
        Assert.Equal(new SessionSettings(TimeSpan.FromHours(24), TimeSpan.FromDays(21), TimeSpan.FromMinutes(5)), settings.Session);
        Assert.Equal(new FailedLoginLimit(10, TimeSpan.FromMinutes(5)), settings.FailedLogins);
        Assert.Equal(new PaperlessSettings("Remote-User", "", false, false, false, null), settings.Paperless);
        Assert.Equal("sessionid", settings.Paperless.SessionCookie);
    }

    [Theory]
    [InlineData(null, "http://localhost:8000", "")]
    [InlineData("https://app.example, app://obsidian.md,null", "app://obsidian.md https://app.example null", "")]
    [InlineData("https://app.example/,app.example,https://good.example:8443", "https://good.example:8443", "https://app.example/ app.example")]
    [InlineData("https://app.example/path,*", "", "https://app.example/path *")]
    public void Origins_of_web_apps_are_read_as_Paperless_compares_them_and_every_other_entry_is_named(string? value, string origins, string named)
    {
        Reading reading = GivenEnvironment.Read(("PAPERLESS_CORS_ALLOWED_HOSTS", value));

        Assert.Equal(origins, string.Join(' ', reading.Good.Paperless.CorsOrigins.Order(StringComparer.Ordinal)));
        string[] entries = named.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(entries.Length, reading.Warnings.Count);
        Assert.All(entries, entry => Assert.Contains(reading.Warnings, warning => warning.Contains($"\"{entry}\"", StringComparison.Ordinal)));
    }

    [Fact]
    public void An_audience_of_access_tokens_that_is_the_client_of_the_browsers_sign_in_is_a_problem()
    {
        GatewaySettings good = GivenEnvironment.Read(("GATEWAY_BEARER_AUDIENCES", "api://paperless, other")).Good;
        string client = Assert.Single(good.Providers).ClientId;

        SettingsProblem problem = GivenEnvironment.Read(("GATEWAY_BEARER_AUDIENCES", $"api://paperless,{client}")).Problem;

        Assert.Equal(["api://paperless", "other"], good.Apps.BearerAudiences);
        Assert.Equal("GATEWAY_BEARER_AUDIENCES", problem.Variable);
        Assert.Contains(client, problem.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, null, null, null)]
    [InlineData(true, "http://+:8081", null, null)]
    [InlineData(true, null, "http://collector:4317", null)]
    [InlineData(true, null, null, "true")]
    [InlineData(false, "http://+:8081", "http://collector:4317", "false")]
    public void Metrics_are_on_where_somebody_can_read_them_unless_GATEWAY_METRICS_says_otherwise(bool on, string? management, string? collector, string? flag)
    {
        MetricsSettings settings = GivenEnvironment.Read(
            ("GATEWAY_MANAGEMENT_URL", management),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector),
            ("GATEWAY_METRICS", flag)).Good.Metrics;

        Assert.Equal((on, collector), (settings.IsOn, settings.OtlpEndpoint?.OriginalString));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("off")]
    [InlineData("OFF")]
    public void A_drain_a_limit_of_failed_logins_and_HSTS_are_switched_off_by_0_and_by_off_in_any_case(string off)
    {
        Reading reading = GivenEnvironment.Read(("GATEWAY_DRAIN", off), ("GATEWAY_FAILED_LOGINS", off), ("GATEWAY_HSTS", off));

        Assert.Equal((TimeSpan.Zero, null, null), (reading.Good.Drain, reading.Good.FailedLogins, reading.Good.Hsts));
        Assert.Empty(reading.Warnings);
    }

    [Fact]
    public void An_OTEL_EXPORTER_OTLP_ENDPOINT_that_is_no_address_is_a_mistake() =>
        Assert.Equal("OTEL_EXPORTER_OTLP_ENDPOINT", GivenEnvironment.Read(("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")).Problem.Variable);

    [Fact]
    public void Every_setting_in_a_full_environment_has_its_documented_meaning()
    {
        GatewaySettings settings = GivenEnvironment.Read(
            ("PAPERLESS_URL", "http://docs.lan:8000"),
            ("GATEWAY_PUBLIC_URL", "https://docs.example.com/"),
            ("PAPERLESS_FORCE_SCRIPT_NAME", "/paperless"),
            ("PAPERLESS_ALLOWED_HOSTS", "docs.lan, .example.org"),
            ("PAPERLESS_TRUSTED_PROXIES", "10.0.0.7"),
            ("GATEWAY_TRUSTED_PROXIES", "172.16.0.0/12, ::1"),
            ("GATEWAY_UPSTREAM_URL", "http://paperless-1:8000/, http://paperless-2:8000,http://paperless-1:8000"),
            ("GATEWAY_DATA_DIR", "/var/lib/gateway"),
            ("GATEWAY_MANAGEMENT_URL", "http://+:8081"),
            ("GATEWAY_USERNAME_CLAIM", "nickname"),
            ("PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS_CLAIM", "theirs"),
            ("GATEWAY_GROUPS_CLAIM", "realm_access.roles"),
            ("GATEWAY_GROUP_MAP", """{"paperless-*": "*", "all": null}"""),
            ("GATEWAY_ALLOWED_GROUPS", "Paperless Users, family"),
            ("PAPERLESS_SESSION_COOKIE_AGE", "86400"),
            ("GATEWAY_SESSION_IDLE", "90m"),
            ("GATEWAY_SESSION_RECHECK", "10m"),
            ("GATEWAY_FAILED_LOGINS", "20 / 1h"),
            ("PAPERLESS_COOKIE_PREFIX", "docs_"),
            ("PAPERLESS_HTTP_REMOTE_USER_HEADER_NAME", "HTTP_X_PAPERLESS_USER"),
            ("PAPERLESS_DISABLE_REGULAR_LOGIN", "True"),
            ("PAPERLESS_REDIRECT_LOGIN_TO_SSO", "1"),
            ("PAPERLESS_ACCOUNT_ALLOW_SIGNUPS", "yes"),
            ("PAPERLESS_LOGOUT_REDIRECT_URL", "https://auth.example.com/application/o/paperless/end-session/")).Good;

        Assert.Equal("https://docs.example.com", settings.Public.Origin);
        Assert.Equal("/paperless", settings.ScriptName);
        Assert.True(settings.AllowedHosts.Matches("docs.lan:8000"));
        Assert.True(settings.AllowedHosts.Matches("a.b.example.org"));
        Assert.Equal([IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("::1/128")], settings.TrustedProxies);
        Assert.Equal([new Uri("http://paperless-1:8000"), new Uri("http://paperless-2:8000")], settings.Upstreams);
        Assert.Equal("/var/lib/gateway", settings.DataDirectory);
        Assert.Equal(new Uri("http://0.0.0.0:8081"), settings.ManagementUrl);
        Assert.Equal("nickname", settings.Identity.UsernameClaim);
        Assert.Equal("realm_access.roles", settings.Identity.GroupsClaim);
        Assert.Equal(["Paperless Users", "family"], settings.Identity.AllowedGroups.Order(StringComparer.Ordinal));
        Assert.True(settings.Identity.GroupMap.TryMap(["paperless-editors"], out string? mapped));
        Assert.Equal("editors", mapped);
        Assert.Equal(new SessionSettings(TimeSpan.FromMinutes(90), TimeSpan.FromDays(1), TimeSpan.FromMinutes(10)), settings.Session);
        Assert.Equal(new FailedLoginLimit(20, TimeSpan.FromHours(1)), settings.FailedLogins);
        Assert.Equal("docs_csrftoken", settings.Paperless.CsrfCookie);
        Assert.Equal("X-Paperless-User", settings.Paperless.UserHeader);
        Assert.True(settings.Paperless.RegularLoginDisabled);
        Assert.True(settings.Paperless.RedirectLoginToSso);
        Assert.True(settings.Paperless.AccountSignupsAllowed);
        Assert.Equal("https://auth.example.com/application/o/paperless/end-session/", settings.Paperless.LogoutRedirectUrl!.AbsoluteUri);
    }

    [Theory]
    [InlineData("PAPERLESS_URL", null, "is not set")]
    [InlineData("PAPERLESS_URL", "docs.example.com", "is not a full address")]
    [InlineData("PAPERLESS_URL", "https://", "is not a full address")]
    [InlineData("PAPERLESS_URL", "https://a.example.com,https://b.example.com", "is not a full address")]
    [InlineData("PAPERLESS_URL", "https://docs.example.com/paperless", "PAPERLESS_FORCE_SCRIPT_NAME")]
    [InlineData("PAPERLESS_URL", "https://docs.example.com/?x=1", "has a path")]
    [InlineData("PAPERLESS_URL", "https://docs.example.com/#x", "fragment")]
    [InlineData("GATEWAY_PUBLIC_URL", "docs.example.com", "is not a full address")]
    [InlineData("GATEWAY_PUBLIC_URL", "https://docs.example.com/paperless", "PAPERLESS_FORCE_SCRIPT_NAME")]
    [InlineData("PAPERLESS_FORCE_SCRIPT_NAME", "paperless", "/paperless")]
    [InlineData("PAPERLESS_FORCE_SCRIPT_NAME", "/paperless/", "without a trailing slash")]
    [InlineData("PAPERLESS_FORCE_SCRIPT_NAME", "/", "without a trailing slash")]
    [InlineData("PAPERLESS_FORCE_SCRIPT_NAME", "/a/../b", "not a plain path")]
    [InlineData("PAPERLESS_FORCE_SCRIPT_NAME", "//evil.example", "not a plain path")]
    [InlineData("PAPERLESS_TRUSTED_PROXIES", "nginx", "neither an IP address nor a network")]
    [InlineData("GATEWAY_TRUSTED_PROXIES", "10.0.0.0/33", "neither an IP address nor a network")]
    [InlineData("GATEWAY_UPSTREAM_URL", "paperless:8000", "http://")]
    [InlineData("GATEWAY_UPSTREAM_URL", "http://paperless:8000/paperless", "has a path")]
    [InlineData("GATEWAY_UPSTREAM_URL", ", ,", "no entry")]
    [InlineData("GATEWAY_MANAGEMENT_URL", "https://localhost:8081", "plain http")]
    [InlineData("GATEWAY_MANAGEMENT_URL", "8081", "is not a full address")]
    [InlineData("GATEWAY_ALLOWED_GROUPS", ",", "no entry")]
    [InlineData("PAPERLESS_SOCIALACCOUNT_PROVIDERS", null, "is not set")]
    [InlineData("PAPERLESS_SOCIALACCOUNT_PROVIDERS", "", "is not set")]
    [InlineData("PAPERLESS_ENABLE_HTTP_REMOTE_USER", null, "is off")]
    [InlineData("PAPERLESS_ENABLE_HTTP_REMOTE_USER", "false", "is off")]
    [InlineData("PAPERLESS_HTTP_REMOTE_USER_HEADER_NAME", "Remote-User", "HTTP_REMOTE_USER")]
    [InlineData("PAPERLESS_HTTP_REMOTE_USER_HEADER_NAME", "REMOTE_USER", "HTTP_REMOTE_USER")]
    [InlineData("PAPERLESS_HTTP_REMOTE_USER_HEADER_NAME", "HTTP_AUTHORIZATION", "another meaning")]
    [InlineData("PAPERLESS_HTTP_REMOTE_USER_HEADER_NAME", "HTTP_COOKIE", "another meaning")]
    [InlineData("PAPERLESS_HTTP_REMOTE_USER_HEADER_NAME", "HTTP_X_FORWARDED_FOR", "another meaning")]
    [InlineData("PAPERLESS_PROXY_SSL_HEADER", "HTTP_X_FORWARDED_PROTO", "is not a JSON list")]
    [InlineData("PAPERLESS_PROXY_SSL_HEADER", "[\"X-Forwarded-Proto\", \"https\"]", "is not a JSON list")]
    [InlineData("PAPERLESS_PROXY_SSL_HEADER", "[\"HTTP_X_FORWARDED_PROTO\", null]", "is not a JSON list")]
    [InlineData("PAPERLESS_PROXY_SSL_HEADER", "[\"HTTP_X_FORWARDED_PROTO\", \"a\\nb\"]", "is not a JSON list")]
    [InlineData("PAPERLESS_PROXY_SSL_HEADER", "[\"HTTP_COOKIE\", \"https\"]", "another meaning")]
    [InlineData("PAPERLESS_PROXY_SSL_HEADER", "[\"HTTP_REMOTE_USER\", \"https\"]", "another meaning")]
    [InlineData("PAPERLESS_COOKIE_PREFIX", "a b", "cookie")]
    [InlineData("PAPERLESS_COOKIE_PREFIX", "a;", "cookie")]
    [InlineData("PAPERLESS_DISABLE_REGULAR_LOGIN", "maybe", "neither true nor false")]
    [InlineData("PAPERLESS_LOGOUT_REDIRECT_URL", "auth.example.com", "is not a full address")]
    [InlineData("PAPERLESS_LOGOUT_REDIRECT_URL", "//auth.example.com", "is not a full address")]
    [InlineData("PAPERLESS_SESSION_COOKIE_AGE", "-1", "is not a duration")]
    [InlineData("PAPERLESS_SESSION_COOKIE_AGE", "0", "above zero")]
    [InlineData("GATEWAY_SESSION_IDLE", "1.5h", "is not a duration")]
    [InlineData("GATEWAY_SESSION_RECHECK", "9s", "10s or more")]
    [InlineData("GATEWAY_FAILED_LOGINS", "10", "not a number of failures and a time")]
    [InlineData("GATEWAY_FAILED_LOGINS", "10/5", "not a number of failures and a time")]
    [InlineData("GATEWAY_FAILED_LOGINS", "0/5m", "not a number of failures and a time")]
    [InlineData("GATEWAY_FAILED_LOGINS", "1001/5m", "at most 1000 failures")]
    [InlineData("GATEWAY_FAILED_LOGINS", "10/25h", "and 24h")]
    [InlineData("GATEWAY_FAILED_LOGINS", "10 in 5 minutes", "Write them as 10/5m")]
    [InlineData("GATEWAY_SESSION_RECHECK", "0", "above zero")]
    [InlineData("GATEWAY_SESSION_IDLE", "h", "is not a duration")]
    [InlineData("GATEWAY_SESSION_LIFETIME", "a week", "is not a duration")]
    [InlineData("GATEWAY_GROUP_MAP", "a=b", "line 1, byte 1")]
    [InlineData("GATEWAY_GROUP_MAP", """{"a": 1}""", "object of texts")]
    [InlineData("GATEWAY_GROUP_MAP", """{"a": "b", "a": "c"}""", "the same name twice")]
    [InlineData("GATEWAY_GROUP_MAP", """{"a*b": "c"}""", "not its first or last letter")]
    [InlineData("GATEWAY_GROUP_MAP", """{"*a*": "c"}""", "not its first or last letter")]
    [InlineData("GATEWAY_GROUP_MAP", """{"a": "*"}""", "its key has none")]
    [InlineData("GATEWAY_GROUP_MAP", """{"a": " "}""", "null to drop")]
    [InlineData("GATEWAY_GROUP_MAP", """{"/a(b/": "c"}""", "is no regular expression")]
    [InlineData("GATEWAY_GROUP_MAP", """{"/a)|(b/": "c"}""", "is no regular expression")]
    [InlineData("GATEWAY_GROUP_MAP", """{"/(?=a)b/": "c"}""", "linear time")]
    [InlineData("GATEWAY_ALLOWED_GROUPS", "a,/b[/", "is no regular expression")]
    [InlineData("GATEWAY_ALLOWED_GROUPS", "[]", "JSON list")]
    [InlineData("GATEWAY_USERNAME_MAP", """{"/a(/": "b"}""", "is no regular expression")]
    [InlineData("GATEWAY_ALLOWED_EMAIL_DOMAINS", "a@example.com", "is not a domain")]
    [InlineData("GATEWAY_ALLOWED_EMAIL_DOMAINS", "*.example.com", "is not a domain")]
    [InlineData("GATEWAY_ALLOWED_EMAIL_DOMAINS", ",", "no entry")]
    [InlineData("GATEWAY_REQUIRED_CLAIMS", "{}", "requires no claim")]
    [InlineData("GATEWAY_REQUIRED_CLAIMS", "a=b", "JSON object")]
    [InlineData("GATEWAY_REQUIRED_CLAIMS", """{"a": []}""", "or none")]
    [InlineData("GATEWAY_REQUIRED_CLAIMS", """{"a": null}""", "or none")]
    [InlineData("GATEWAY_REQUIRED_CLAIMS", """{"a": "/(/"}""", "is no regular expression")]
    [InlineData("GATEWAY_ALLOWED_GROUPS", "[a]", "JSON list")]
    [InlineData("GATEWAY_ALLOWED_GROUPS", "nobody,/cn=dms,.*/", "JSON list")]
    [InlineData("GATEWAY_ALLOWED_GROUPS", "\"cn=dms,ou=x\",nobody", "JSON list")]
    [InlineData("GATEWAY_ALLOWED_GROUPS", """["\ud800"]""", "JSON list")]
    [InlineData("GATEWAY_REQUIRED_CLAIMS", """{"a": "\ud800"}""", "valid Unicode")]
    [InlineData("GATEWAY_REQUIRED_CLAIMS", """{"\ud800": "a"}""", "valid Unicode")]
    public void An_invalid_setting_is_reported_with_its_remedy(string name, string? value, string words)
    {
        Reading reading = GivenEnvironment.Read((name, value));

        Assert.Null(reading.Settings);
        Assert.Equal(name, reading.Problem.Variable);
        Assert.Contains(words, reading.Problem.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(reading.Problem.Remedy);
    }

    [Fact]
    public void All_problems_of_the_settings_are_reported_together()
    {
        string[] wrong = ["PAPERLESS_URL", "PAPERLESS_SOCIALACCOUNT_PROVIDERS", "PAPERLESS_FORCE_SCRIPT_NAME", "GATEWAY_UPSTREAM_URL",
            "GATEWAY_SESSION_IDLE", "PAPERLESS_COOKIE_PREFIX", "GATEWAY_GROUP_MAP"];

        Reading reading = GivenEnvironment.Read([.. wrong.Select(name => (name, (string?)"?!"))]);

        Assert.Equal(wrong.Order(StringComparer.Ordinal), reading.Problems.Select(problem => problem.Variable).Order(StringComparer.Ordinal));
        Assert.StartsWith("The gateway does not start: 7 problems in its configuration.", reading.Message, StringComparison.Ordinal);
        Assert.All(wrong, name => Assert.Contains($"\n  {name}: ", reading.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("TRUE", true)]
    [InlineData(" yes ", true)]
    [InlineData("Y", true)]
    [InlineData("t", true)]
    [InlineData("1", true)]
    [InlineData("false", false)]
    [InlineData("No", false)]
    [InlineData("n", false)]
    [InlineData("F", false)]
    [InlineData("0", false)]
    [InlineData("", false)]
    public void Boolean_settings_are_read_as_Paperless_reads_them(string text, bool expected)
    {
        Reading reading = GivenEnvironment.Read(("PAPERLESS_DISABLE_REGULAR_LOGIN", text));

        Assert.Equal(expected, reading.Good.Paperless.RegularLoginDisabled);
        Assert.Empty(reading.Warnings);
    }

    [Theory]
    [InlineData("on", true)]
    [InlineData("Off", false)]
    public void On_and_off_are_accepted_with_a_warning_that_Paperless_does_not_accept_them(string text, bool expected)
    {
        Reading reading = GivenEnvironment.Read(("PAPERLESS_DISABLE_REGULAR_LOGIN", text));

        Assert.Equal(expected, reading.Good.Paperless.RegularLoginDisabled);
        Assert.Contains("PAPERLESS_DISABLE_REGULAR_LOGIN", Assert.Single(reading.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1209600", 1209600)]
    [InlineData("90s", 90)]
    [InlineData("5m", 300)]
    [InlineData("24h", 86400)]
    [InlineData("24 H", 86400)]
    [InlineData("7d", 604800)]
    [InlineData("999999999", 315360000)]
    [InlineData("9999999999999d", 315360000)]
    public void A_duration_is_in_seconds_or_has_a_unit_and_is_at_most_ten_years(string text, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), GivenEnvironment.Read(("GATEWAY_SESSION_LIFETIME", text)).Good.Session.Lifetime);

    [Fact]
    public void An_empty_variable_counts_as_unset()
    {
        string?[] names = [.. GatewaySettingsReader.Names().Where(
            name => name is not ("PAPERLESS_URL" or "PAPERLESS_SOCIALACCOUNT_PROVIDERS" or "PAPERLESS_ENABLE_HTTP_REMOTE_USER" or "GATEWAY_PAPERLESS_TOKEN"))];

        Reading reading = GivenEnvironment.Read([.. names.SelectMany(name => new[] { (name!, (string?)" "), (name + "_FILE", "") })]);

        Assert.True(names.Length > 20);
        Assert.Empty(reading.Warnings);
        Assert.Equal(GivenEnvironment.Read().Good.Session, reading.Good.Session);
        Assert.Equal(GivenEnvironment.Read().Good.Paperless, reading.Good.Paperless);
        Assert.Equal(GivenEnvironment.Read().Good.Accounts.ToString(), reading.Good.Accounts.ToString());
        Assert.Empty(reading.Good.Identity.AllowedGroups);
    }

    [Theory]
    [InlineData("10.0.0.7/8", "10.200.0.1", true)]
    [InlineData("10.0.0.7/8", "11.0.0.7", false)]
    [InlineData("10.0.0.7", "10.0.0.7", true)]
    [InlineData("10.0.0.7", "10.0.0.8", false)]
    [InlineData("fd00::/8", "fd12::1", true)]
    public void A_trusted_proxy_is_an_address_or_a_network(string proxies, string address, bool trusted) =>
        Assert.Equal(
            trusted,
            Assert.Single(GivenEnvironment.Read(("PAPERLESS_TRUSTED_PROXIES", proxies)).Good.TrustedProxies).Contains(IPAddress.Parse(address)));

    [Fact]
    public void The_API_remote_user_setting_alone_also_turns_the_user_header_on_as_in_Paperless() =>
        Assert.NotNull(GivenEnvironment.Read(("PAPERLESS_ENABLE_HTTP_REMOTE_USER", null), ("PAPERLESS_ENABLE_HTTP_REMOTE_USER_API", "true")).Good);

    [Fact]
    public void A_trailing_slash_of_the_public_URL_is_accepted_with_a_warning()
    {
        Reading reading = GivenEnvironment.Read(("PAPERLESS_URL", "https://docs.example.com/"));

        Assert.Equal("https://docs.example.com", reading.Good.Public.Origin);
        Assert.Contains("ends with a slash", Assert.Single(reading.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_as_logout_redirect_is_resolved_against_the_public_URL() => Assert.Equal(
        "https://docs.example.com/accounts/login/?loggedout=1",
        GivenEnvironment.Read(("PAPERLESS_LOGOUT_REDIRECT_URL", "/accounts/login/?loggedout=1")).Good.Paperless.LogoutRedirectUrl!.AbsoluteUri);

    [Fact]
    public void Quotes_that_docker_keeps_around_a_value_are_removed_with_a_warning()
    {
        Reading reading = GivenEnvironment.Read(
            ("PAPERLESS_URL", "\"https://docs.example.com\""),
            ("PAPERLESS_DISABLE_REGULAR_LOGIN", "'true'"),
            ("GATEWAY_GROUP_MAP", """'{"all": "everybody"}'"""),
            ("GATEWAY_ALLOWED_GROUPS", "\"Paperless Users\",\"family\""));

        Assert.Equal("https://docs.example.com", reading.Good.Public.Origin);
        Assert.True(reading.Good.Paperless.RegularLoginDisabled);
        Assert.True(reading.Good.Identity.GroupMap.TryMap(["all"], out _));
        Assert.Equal(["Paperless Users", "family"], reading.Good.Identity.AllowedGroups.Order(StringComparer.Ordinal));
        Assert.Equal(4, reading.Warnings.Count);
        Assert.All(reading.Warnings, warning => Assert.Contains("stands in quotes", warning, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("https://docs.example.com")]
    [InlineData("docs.example.com:8000")]
    public void An_allowed_host_that_can_never_match_gives_a_warning(string host) =>
        Assert.Contains(
            "matches no host",
            Assert.Single(GivenEnvironment.Read(("PAPERLESS_ALLOWED_HOSTS", $"docs.lan,{host},[::1]")).Warnings),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("GATEWAY_UPSTREM_URL", "GATEWAY_UPSTREAM_URL")]
    [InlineData("GATEWAY_UPSTREAM_URLS", "GATEWAY_UPSTREAM_URL")]
    [InlineData("gateway_alowed_groups", "GATEWAY_ALLOWED_GROUPS")]
    [InlineData("GATEWAY_ALLOWED_GROUP", "GATEWAY_ALLOWED_GROUPS")]
    [InlineData("GATEWAY_TRUSTED_PROXYS", "GATEWAY_TRUSTED_PROXIES")]
    [InlineData("GATEWAY_GROUPS_MAP", "GATEWAY_GROUP_MAP")]
    [InlineData("GATEWAY_DATA_DRI_FILE", "GATEWAY_DATA_DIR")]
    public void A_misspelled_variable_name_stops_the_start_and_the_correct_name_is_suggested(string name, string meant)
    {
        Reading reading = GivenEnvironment.Read((name, "SECRET"));

        Assert.Equal(name, reading.Problem.Variable);
        Assert.Contains($"Did you mean {meant}?", reading.Problem.Remedy, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", reading.Said, StringComparison.Ordinal);
    }

    [Fact]
    public void Variables_that_Kubernetes_sets_for_a_service_called_gateway_only_give_a_warning()
    {
        Reading reading = GivenEnvironment.Read(
            ("GATEWAY_PORT", "tcp://10.0.0.1:8080"),
            ("GATEWAY_SERVICE_HOST", "10.0.0.1"),
            ("GATEWAY_SERVICE_PORT_HTTP", "8080"),
            ("GATEWAY_PORT_8080_TCP_PROTO", "SECRET"));

        Assert.NotNull(reading.Good);
        Assert.Equal(4, reading.Warnings.Count);
        Assert.DoesNotContain("SECRET", reading.Said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GATEWAY_PAPERLESS_TOKEN", "<api token>", "<…>")]
    [InlineData("GATEWAY_PAPERLESS_TOKEN", "${PAPERLESS_TOKEN}", "${…}")]
    [InlineData("GATEWAY_REDIS_URL", "redis://:$(cat /run/secrets/redis)@redis:6379", "$(…)")]
    [InlineData("PAPERLESS_URL", "https://{{ paperless_host }}", "{{…}}")]
    [InlineData("PAPERLESS_SOCIALACCOUNT_PROVIDERS", "{{ providers }}", "{{…}}")]
    [InlineData("GATEWAY_ALLOWED_GROUPS", "family,<group>", "<…>")]
    public void A_placeholder_is_one_problem_that_names_its_kind(string name, string value, string placeholder)
    {
        SettingsProblem problem = GivenEnvironment.Read((name, value)).Problem;

        Assert.Equal(name, problem.Variable);
        Assert.Contains($"a placeholder ({placeholder}).", problem.Wrong, StringComparison.Ordinal);
    }

    [Fact]
    public void A_password_with_angle_brackets_is_no_placeholder() =>
        Assert.Empty(GivenEnvironment.Read(("GATEWAY_PAPERLESS_TOKEN", null), ("PAPERLESS_ADMIN_USER", "admin"), ("PAPERLESS_ADMIN_PASSWORD", "a<b>c")).Said);

    [Theory]
    [InlineData("24", 1)]
    [InlineData("24h", 0)]
    public void A_duration_without_a_unit_is_a_warning(string value, int warnings) =>
        Assert.Equal(
            warnings,
            GivenEnvironment.Read(("GATEWAY_SESSION_IDLE", value)).Warnings.Count(warning => warning.Contains("24 seconds", StringComparison.Ordinal)));
}
