using Gateway.Settings;

namespace Gateway.Tests.Shipping;

public sealed class EnvironmentExampleTests
{
    [Fact]
    public void The_example_environment_is_accepted_unchanged()
    {
        (GatewaySettings settings, IReadOnlyList<string> warnings) = Shipped.Read(Shipped.GatewayEnvironment);
        Assert.Empty(warnings);
        ProviderSettings provider = Assert.Single(settings.Providers);
        Assert.Equal("authentik", provider.Id);
        Assert.Equal("a-client-secret", provider.ClientSecret);
        Assert.True(settings.Public.IsHttps);
        Assert.Equal("admin", settings.Accounts.Credential.User);
        Assert.Equal(["paperless-users"], settings.Identity.AllowedGroups);
        Assert.True(settings.Accounts is { AutoSignup: true, SyncGroups: true, Match: AccountMatch.Username });
    }

    [Fact]
    public void The_example_environment_is_accepted_with_every_suggestion_uncommented()
    {
        (GatewaySettings settings, IReadOnlyList<string> warnings) = Shipped.Read(Shipped.GatewayEnvironmentAndSuggestions);
        Assert.Empty(warnings);
        Assert.True(Shipped.GatewayEnvironmentAndSuggestions.Count > Shipped.GatewayEnvironment.Count);
        Assert.NotNull(settings.Accounts.Credential.Token);
        Assert.True(settings.Paperless.RegularLoginDisabled);
    }

    [Fact]
    public void Every_variable_in_the_example_environment_is_read_by_the_gateway_or_by_Paperless() =>
        Assert.Empty(Shipped.GatewayEnvironmentAndSuggestions.Keys.Except(GatewaySettingsReader.Names()).Except(Shipped.PaperlessOwn));

    /// <summary>Quotes, $ and " #" mean different things to Compose, docker run and systemd.</summary>
    [Theory]
    [InlineData("config/gateway.env.example")]
    [InlineData("config/authentik.env.example")]
    public void The_example_environment_means_the_same_to_Compose_docker_run_and_systemd(string path)
    {
        foreach (string line in Shipped.Text(path).Split('\n').Where(line => line.Length > 0 && !line.StartsWith("# ", StringComparison.Ordinal)))
        {
            string value = line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..];
            Assert.DoesNotContain('$', value);
            Assert.DoesNotContain(" #", value, StringComparison.Ordinal);
            Assert.DoesNotMatch("""\A["']""", value);
            Assert.Equal(value.Trim(), value);
        }
    }

    [Fact]
    public void Secrets_in_the_example_environment_have_no_usable_value()
    {
        foreach (string path in new[] { "config/gateway.env.example", "config/authentik.env.example" })
        {
            string[] secrets = [.. Shipped.Text(path).Split('\n').Where(line => !line.StartsWith("# ", StringComparison.Ordinal)
                && line.Split('=')[0] is string name
                && (name.EndsWith("PASSWORD", StringComparison.Ordinal) || name.EndsWith("TOKEN", StringComparison.Ordinal)
                    || name.EndsWith("SECRET", StringComparison.Ordinal)
                    || name.EndsWith("SECRET_KEY", StringComparison.Ordinal)))];
            Assert.NotEmpty(secrets);
            Assert.All(secrets, secret => Assert.Matches("=<[a-z ]+>\\z", secret));
        }
    }

    [Fact]
    public void Environment_files_with_real_settings_are_ignored_by_Git() =>
        Assert.Contains("/config/*.env\n", Shipped.Text(".gitignore"), StringComparison.Ordinal);
}
