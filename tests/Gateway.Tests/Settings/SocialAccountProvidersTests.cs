using System.Text;
using System.Text.Json;
using CsCheck;
using Gateway.Settings;
using YamlDotNet.RepresentationModel;

namespace Gateway.Tests.Settings;

/// <summary>
/// Values as people have them, in `golden/`, and beside each what the gateway makes of it (`.expected`). A run with UPDATE_GOLDEN=1 writes
/// the expectations anew, to be read before they are kept.
/// </summary>
public sealed class SocialAccountProvidersTests
{
    private const string Name = "PAPERLESS_SOCIALACCOUNT_PROVIDERS";

    private static readonly string Folder = Path.Combine(Repository.Root, "tests/Gateway.Tests/Settings/golden");

    public static TheoryData<string> Values =>
        [.. Directory.EnumerateFiles(Folder).Select(file => Path.GetFileName(file)!).Where(file => !file.EndsWith(".expected", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Values))]
    public void Each_provider_setting_in_the_samples_is_read_as_recorded(string file)
    {
        string path = Path.Combine(Folder, file);
        string value = file.EndsWith(".yaml", StringComparison.Ordinal) ? FromCompose(path) : File.ReadAllText(path);

        Reading reading = GivenEnvironment.Read((Name, value));

        string outcome = Describe(reading);
        string expectation = path + ".expected";
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(expectation, outcome);
        }

        Assert.Equal(File.ReadAllText(expectation), outcome);
        Assert.DoesNotContain("SECRET", reading.Said, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_recorded_result_has_its_sample() => Assert.Equal(
        Values.Select(row => row.Data + ".expected").Order(StringComparer.Ordinal),
        Directory.EnumerateFiles(Folder, "*.expected").Select(Path.GetFileName).Order(StringComparer.Ordinal));

    [Fact]
    public void YAML_folding_of_the_provider_setting_does_not_matter()
    {
        string plain = File.ReadAllText(Path.Combine(Folder, "authentik-guide.json.expected"));

        Assert.All(
            ["compose-folded", "compose-folded-stripped", "compose-folded-kept", "compose-literal"],
            file => Assert.Equal(plain, File.ReadAllText(Path.Combine(Folder, file + ".yaml.expected"))));
    }

    [Fact]
    public void Any_provider_setting_is_accepted_or_refused_without_an_exception_and_without_printing_the_secret()
    {
        string value = File.ReadAllText(Path.Combine(Folder, "several-apps.json"));
        Gen<char> letter = Gen.Char["\"'{}[],:\\\n u0d8t\0é"];
        Gen.Select(Gen.Int[0, value.Length - 1], Gen.Int[0, 3], letter.Array[0, 3]).Sample((at, removed, added) =>
        {
            string damaged = value[..at] + new string(added) + value[Math.Min(value.Length, at + removed)..];

            Reading reading = GivenEnvironment.Read((Name, damaged));

            Assert.NotEqual(reading.Settings is null, reading.Problems.Count == 0);

            // Damage can make a name or an address of what was a secret; only untouched secrets are looked for.
            Assert.DoesNotContain("SECRET-first", reading.Said, StringComparison.Ordinal);
        }, iter: 2000);
    }

    [Fact]
    public void A_client_secret_is_read_unchanged()
    {
        string secret = "a,}]'\"\\/ü=&%+$ z";
        string value = GivenEnvironment.Providers.Replace("\"SECRET-of-the-client\"", JsonSerializer.Serialize(secret), StringComparison.Ordinal);

        ProviderSettings provider = Assert.Single(GivenEnvironment.Read((Name, value)).Good.Providers);

        Assert.Equal(secret, provider.ClientSecret);
        Assert.DoesNotContain(secret, provider.ToString(), StringComparison.Ordinal);
    }

    private static string FromCompose(string path)
    {
        YamlStream yaml = [];
        yaml.Load(new StringReader(File.ReadAllText(path)));
        YamlNode environment = yaml.Documents[0].RootNode["services"]["gateway"]["environment"];
        return environment is YamlSequenceNode list
            ? ((YamlScalarNode)list.Single()).Value!.Split('=', 2)[1]
            : ((YamlScalarNode)environment[Name]).Value!;
    }

    private static string Describe(Reading reading)
    {
        StringBuilder text = new();
        foreach (ProviderSettings provider in reading.Settings?.Providers ?? [])
        {
            text.Append(
                $"""
                provider {provider.Id}
                  name               {provider.Name}
                  client id          {provider.ClientId}
                  secret             {(provider.ClientSecret.Length == 0 ? "none" : $"{provider.ClientSecret.Length} letters")}
                  discovery          {provider.DiscoveryUrl.AbsoluteUri}
                  userinfo           {(provider.FetchUserInfo ? "fetched" : "not fetched")}
                  token auth method  {provider.TokenAuthMethod?.ToString() ?? "as the provider says"}
                  subject claim      {provider.SubjectClaim}
                  scopes             {string.Join(' ', provider.Scopes)}
                  parameters         {Parameters(provider)}

                """);
        }

        foreach (SettingsProblem problem in reading.Problems)
        {
            text.Append($"problem {problem}\n");
        }

        foreach (string warning in reading.Warnings)
        {
            text.Append($"warning {warning}\n");
        }

        return text.ToString();
    }

    private static string Parameters(ProviderSettings provider) => provider.AuthorizationParameters.IsEmpty
        ? "none"
        : string.Join(' ', provider.AuthorizationParameters.Select(one => $"{one.Key}={one.Value}"));
}
