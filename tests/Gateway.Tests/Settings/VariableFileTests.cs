using System.IO.Pipes;
using System.Runtime.Versioning;
using System.Text;
using Gateway.Settings;
using Gateway.Tests.Kit;
using Microsoft.Win32.SafeHandles;

namespace Gateway.Tests.Settings;

/// <summary>Settings from files (`NAME_FILE`, Docker secrets), and that no message quotes a value.</summary>
public sealed class VariableFileTests : IDisposable
{
    private const string Name = "GATEWAY_ALLOWED_GROUPS";

    private readonly string _folder = Directory.CreateTempSubdirectory("gateway-settings-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("family\n")]
    [InlineData("  family  \r\n")]
    [InlineData("\ufefffamily")]
    public void A_variable_may_be_given_as_a_file(string content) =>
        Assert.Equal(["family"], GivenEnvironment.Read((Name + "_FILE", Write(content))).Good.Identity.AllowedGroups);

    [Fact]
    public void The_providers_setting_may_be_given_as_a_file() => Assert.Equal(
        "SECRET-of-the-client",
        GivenEnvironment.Read(("PAPERLESS_SOCIALACCOUNT_PROVIDERS", null), ("PAPERLESS_SOCIALACCOUNT_PROVIDERS_FILE", Write(GivenEnvironment.Providers))).Good
            .Providers[0]
            .ClientSecret);

    [Fact]
    public void A_missing_settings_file_is_reported_once() => Fault("cannot be read", Path.Combine(_folder, "missing"));

    [Fact]
    public void A_directory_as_a_settings_file_is_refused() => Fault("cannot be read", _folder);

    [Fact]
    public void An_oversized_settings_file_is_not_read() => Fault("larger than 256 KiB", Write(new string('x', 256 * 1024) + "y"));

    [Fact]
    public void A_settings_file_of_the_largest_size_is_read_whole()
    {
        const int length = Variables.MaxFileBytes;

        string group = Assert.Single(GivenEnvironment.Read((Name + "_FILE", Write(new string('x', length)))).Good.Identity.AllowedGroups!);

        Assert.Equal(length, group.Length);
    }

    /// <summary>A shell gives one in place of a file. Its length is not known before it is read.</summary>
    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task A_pipe_as_a_settings_file_is_read_whole()
    {
        using AnonymousPipeServerStream pipe = new(PipeDirection.Out);
        using SafePipeHandle reader = pipe.ClientSafePipeHandle;
        string file = $"/proc/self/fd/{reader.DangerousGetHandle()}";
        Assert.SkipUnless(Path.Exists(file), "This system has no /proc.");
        string group = new('x', 20_000);
        await using (StreamWriter writer = new(pipe))
        {
            await writer.WriteAsync(group.AsMemory(), World.Ct);
        }

        Assert.Equal([group], GivenEnvironment.Read((Name + "_FILE", file)).Good.Identity.AllowedGroups);
    }

    [Fact]
    public void An_endless_device_as_a_settings_file_is_not_read_to_its_end() => Fault("larger than 256 KiB", "/dev/zero");

    [Theory]
    [InlineData("")]
    [InlineData(" \n")]
    public void An_empty_settings_file_is_refused_and_does_not_count_as_no_restriction(string content) => Fault("empty", Write(content));

    [Fact]
    public void A_binary_settings_file_is_refused()
    {
        string file = Path.Combine(_folder, "bytes");
        File.WriteAllBytes(file, [0xC3, 0x28]);
        Fault("not UTF-8", file);
    }

    [Fact]
    public void An_unreadable_settings_file_is_refused()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess, "The superuser may read everything.");
        string file = Write("family");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.None);
        }

        Fault("UnauthorizedAccess", file);
    }

    [Fact]
    public void A_variable_and_its_file_set_together_are_refused()
    {
        Reading reading = GivenEnvironment.Read((Name, "SECRET-value"), (Name + "_FILE", Write("SECRET-content")));

        Assert.Equal(new SettingsProblem(Name, $"both {Name} and {Name}_FILE are set.", "Remove one of them."), reading.Problem);
    }

    [Fact]
    public void A_required_variable_with_a_missing_file_is_not_reported_as_unset_too()
    {
        Reading reading = GivenEnvironment.Read(
            ("PAPERLESS_URL", null),
            ("PAPERLESS_URL_FILE", "/missing"),
            ("PAPERLESS_SOCIALACCOUNT_PROVIDERS", null),
            ("PAPERLESS_SOCIALACCOUNT_PROVIDERS_FILE", "/missing"));

        Assert.Equal(["PAPERLESS_URL_FILE", "PAPERLESS_SOCIALACCOUNT_PROVIDERS_FILE"], reading.Problems.Select(problem => problem.Variable));
    }

    [Theory]
    [InlineData("PAPERLESS_SOCIALACCOUNT_PROVIDERS_FILE", """{"openid_connect": {"secret": "SECRET"}}""")]
    [InlineData("GATEWAY_PAPERLESS_TOKEN_FILE", "SECRET")]
    [InlineData("GATEWAY_PAPERLESS_TOKEN", "SECRET")]
    [InlineData("GATEWAY_PAPERLESS_TOKEN", "Token SECRET")]
    [InlineData("PAPERLESS_ADMIN_PASSWORD_FILE", "SECRET")]
    [InlineData("GATEWAY_MATCH_ACCOUNTS", "SECRET")]
    [InlineData("GATEWAY_UPSTREAM_URL", "http://admin:SECRET@paperless:8000")]
    [InlineData("GATEWAY_UPSTREAM_URL", "http:/admin:SECRET@paperless:8000")]
    [InlineData("PAPERLESS_URL", "https://admin:SECRET@docs.example.com")]
    [InlineData("PAPERLESS_LOGOUT_REDIRECT_URL", "admin:SECRET@auth.example.com")]
    [InlineData("PAPERLESS_SOCIALACCOUNT_PROVIDERS", "SECRET")]
    [InlineData("GATEWAY_GROUP_MAP", "SECRET")]
    [InlineData("PAPERLESS_DISABLE_REGULAR_LOGIN", "SECRET")]
    [InlineData("PAPERLESS_ADMIN_PASSWORD", "SECRET")]
    [InlineData("PAPERLESS_SECRET_KEY", "SECRET")]
    [InlineData("GATEWAY_REDIS_URL", "redis://:SECRET@redis:6379")]
    [InlineData("GATEWAY_REDISURL", "redis://:SECRET@redis:6379")]
    public void No_problem_or_warning_quotes_a_possible_secret(string name, string value)
    {
        bool both = name.EndsWith("PROVIDERS_FILE", StringComparison.Ordinal);
        Reading reading = GivenEnvironment.Read([(name, value), .. both ? new (string, string?)[] { (name[..^5], null) } : []]);

        Assert.DoesNotContain("SECRET", reading.Said, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", reading.Settings?.ToString() ?? "", StringComparison.Ordinal);
        Assert.All(reading.Settings?.Providers ?? [], provider => Assert.DoesNotContain("SECRET", provider.ToString(), StringComparison.Ordinal));
    }

    private static void Fault(string words, string file)
    {
        Reading reading = GivenEnvironment.Read((Name + "_FILE", file));

        Assert.Equal(Name + "_FILE", reading.Problem.Variable);
        Assert.Contains(words, reading.Problem.Wrong, StringComparison.Ordinal);
        Assert.NotEmpty(reading.Problem.Remedy);
    }

    private string Write(string content)
    {
        string file = Path.Combine(_folder, "value");
        File.WriteAllText(file, content, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        return file;
    }
}
