using Gateway.Settings;

namespace Gateway.Tests.Settings;

/// <summary>An environment that is good enough, with what a test wants to be different; null takes a variable away.</summary>
internal static class GivenEnvironment
{
    public const string Providers = """
        {"openid_connect": {"APPS": [{"provider_id": "authentik", "client_id": "paperless", "secret": "SECRET-of-the-client",
        "settings": {"server_url": "https://auth.example.com/application/o/paperless/"}}]}}
        """;

    public static Reading Read(params (string Name, string? Value)[] variables)
    {
        Dictionary<string, string?> all = new()
        {
            ["PAPERLESS_URL"] = "https://docs.example.com",
            ["PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = "true",
            ["PAPERLESS_SOCIALACCOUNT_PROVIDERS"] = Providers,
            ["GATEWAY_PAPERLESS_TOKEN"] = "SECRETofthesuperuser",
        };
        foreach ((string name, string? value) in variables)
        {
            all[name] = value;
        }

        return ReadOnly(all.Where(one => one.Value is not null));
    }

    public static Reading ReadOnly(IEnumerable<KeyValuePair<string, string?>> variables)
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(variables).Build();
        try
        {
            (GatewaySettings settings, IReadOnlyList<string> warnings) = new GatewaySettingsReader(configuration).Read();
            return new Reading(settings, warnings, [], "");
        }
        catch (SettingsException error)
        {
            return new Reading(null, [], error.Problems, error.Message);
        }
    }
}

/// <summary>What came of reading an environment.</summary>
internal sealed record Reading(GatewaySettings? Settings, IReadOnlyList<string> Warnings, IReadOnlyList<SettingsProblem> Problems, string Message)
{
    /// <summary>The settings of an environment that must be good.</summary>
    public GatewaySettings Good => Settings ?? throw new Xunit.Sdk.XunitException(Message);

    /// <summary>The one thing wrong.</summary>
    public SettingsProblem Problem => Assert.Single(Problems);

    /// <summary>Everything that a person gets to read of it.</summary>
    public string Said => string.Join('\n', [Message, .. Warnings, .. Problems.Select(problem => problem.ToString())]);
}
