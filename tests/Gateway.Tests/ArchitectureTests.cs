using System.Globalization;
using System.Text.RegularExpressions;

namespace Gateway.Tests;

/// <summary>The architecture rules of `src/Gateway`, checked on its source.</summary>
public sealed partial class ArchitectureTests
{
    private static readonly string Source = Path.Combine(Repository.Root, "src");

    /// <summary>Each folder in the order of building: what it knows stands before it.</summary>
    private static readonly (string Folder, string[] Knows)[] Allowed =
    [
        ("Settings", []),
        ("Metrics", ["Settings"]),
        ("Tracing", ["Settings", "Metrics"]),
        ("Background", []),
        ("Storage", ["Settings", "Metrics", "Background"]),
        ("Sessions", ["Settings", "Metrics", "Background", "Storage"]),
        ("Paperless", ["Settings", "Background", "Storage", "Sessions", "Tracing"]),
        ("Groups", ["Settings", "Paperless"]),
        ("PasswordSessions", ["Settings", "Background", "Sessions", "Paperless", "Tracing"]),
        ("Pages", ["Settings", "Metrics", "Sessions", "Paperless", "PasswordSessions", "Tracing"]),
        ("WebSockets", ["Metrics", "Background", "Sessions", "Paperless", "PasswordSessions"]),
        ("Access", ["Settings", "Metrics", "Storage", "Sessions", "Pages", "Paperless", "WebSockets"]),
        ("Accounts", ["Settings", "Background", "Storage", "Sessions", "Pages", "Paperless", "Groups", "PasswordSessions"]),
        ("Providers", ["Settings", "Sessions", "Pages", "Groups"]),
        ("Profile", ["Settings", "Storage", "Sessions", "Pages", "Paperless", "PasswordSessions", "Access", "Accounts", "Tracing"]),
        ("Recheck", ["Settings", "Metrics", "Storage", "Sessions", "Pages", "Paperless", "Groups", "Access", "Accounts", "Providers"]),
        ("SignIn", ["Settings", "Storage", "Sessions", "Pages", "Paperless", "PasswordSessions", "Access", "Accounts", "Providers", "Recheck", "Tracing"]),
        ("Apps", ["Settings", "Storage", "Sessions", "Pages", "Paperless", "PasswordSessions", "Access", "Accounts", "Providers", "Recheck", "SignIn"]),
        ("StaticCache", ["Settings", "Metrics", "Background", "Paperless"]),
        ("ReadAhead", ["Settings", "Metrics", "Sessions", "Paperless", "Pages"]),
        ("Forwarding", ["Settings", "Storage", "Sessions", "Pages", "Paperless", "PasswordSessions", "WebSockets", "Access", "Profile", "Recheck",
        "Apps", "StaticCache", "ReadAhead", "Tracing"]),
        ("SignOut", ["Settings", "Metrics", "Storage", "Sessions", "Pages", "Paperless", "PasswordSessions", "Access", "Providers", "SignIn", "Tracing"]),
        ("Checks", ["Settings", "Background", "Storage", "Sessions", "PasswordSessions", "Pages", "Paperless", "Access", "Accounts", "Providers",
        "SignIn", "Forwarding", "SignOut"]),
        ("Operations", ["Settings", "Metrics", "Background", "Storage", "Sessions", "Pages", "Paperless", "PasswordSessions", "Access", "Accounts",
        "Providers", "SignIn", "Checks", "Tracing"]),
        ("Admin", ["Settings", "Storage", "Sessions", "Pages", "Paperless", "PasswordSessions", "Accounts", "SignIn", "Operations", "Tracing"]),
    ];

    [Fact]
    public void The_allowed_dependencies_between_folders_have_no_cycle()
    {
        string[] order = [.. Allowed.Select(one => one.Folder)];
        Assert.All(
            Allowed,
            one => Assert.All(one.Knows, known => Assert.True(Array.IndexOf(order, known) < Array.IndexOf(order, one.Folder), $"{one.Folder} → {known}")));
    }

    [Fact]
    public void Every_folder_is_in_the_list_of_allowed_dependencies() => Assert.Equal(
        Directory.EnumerateDirectories(Path.Combine(Source, "Gateway")).Select(Path.GetFileName).Where(name => name is not ("bin" or "obj"))
            .Order(StringComparer.Ordinal),
        Allowed.Select(one => one.Folder).Order(StringComparer.Ordinal));

    [Fact]
    public void A_folder_depends_only_on_folders_below_it()
    {
        List<string> faults = [];
        foreach ((string folder, string[] knows) in Allowed)
        {
            foreach (string file in Files(Path.Combine(Source, "Gateway", folder), "*.cs").Concat(Files(Path.Combine(Source, "Gateway", folder), "*.razor")))
            {
                faults.AddRange(Mentions().Matches(File.ReadAllText(file))
                    .Select(match => match.Groups["folder"].Value)
                    .Distinct()
                    .Where(known => known != folder && Allowed.Any(one => one.Folder == known) && !knows.Contains(known))
                    .Select(known => $"{Name(file)} knows {known}"));
            }
        }

        Assert.Empty(faults);
    }

    [Fact]
    public void Only_the_settings_readers_read_the_environment()
    {
        IEnumerable<string> faults = Files(Path.Combine(Source, "Gateway"), "*.cs")
            .Where(file => !file.EndsWith("SettingsReader.cs", StringComparison.Ordinal))

            // The token of authentik is a secret of one command, and no setting. The keys of the certificate are Kestrel's own.
            .Where(file => Path.GetFileName(file) is not ("Variables.cs" or "AuthentikToken.cs" or "CertificateFiles.cs" or "CertificateFeature.cs"))
            .SelectMany(file => ReadsConfiguration().Matches(File.ReadAllText(file)).Select(match => $"{Name(file)}: {match.Value}"));

        Assert.Empty(faults);
    }

    [Fact]
    public void Outside_the_settings_readers_a_variable_name_appears_only_in_messages()
    {
        // A literal that is nothing but a variable's name looks like an access to it; a fault found later names its variable, too. SetupFiles
        // writes variables, and SetupSecrets reads them from those files.
        IEnumerable<string> faults = Files(Path.Combine(Source, "Gateway"), "*.cs")
            .Where(file => !file.EndsWith("SettingsReader.cs", StringComparison.Ordinal))
            .Where(file => Path.GetFileName(file) is not ("SettingsReference.cs" or "SetupFiles.cs" or "SetupSecrets.cs"))
            .SelectMany(file => VariableLiteral().Matches(SettingsProblem().Replace(File.ReadAllText(file), ""))
                .Select(literal => $"{Name(file)}: {literal.Value}"));

        Assert.Empty(faults);
    }

    /// <summary>The analyzer (RCS0056) passes over comments, and over some lines that end with a string.</summary>
    [Fact]
    public void No_line_is_longer_than_160_characters() => Assert.Empty(
        new[] { Source, Path.Combine(Repository.Root, "tests") }.SelectMany(folder => Files(folder, "*.cs"))
            .SelectMany(file => File.ReadLines(file).Where(line => line.Length > 160).Select(line => $"{Path.GetFileName(file)}: {line.Trim()}")));

    [Fact]
    public void Every_log_message_has_a_unique_id_and_name()
    {
        List<(int Id, string Name, string File)> messages = [];
        foreach (string file in Files(Path.Combine(Source, "Gateway"), "*.cs"))
        {
            foreach (Match message in LogMessage().Matches(File.ReadAllText(file)))
            {
                Match id = EventId().Match(message.Value);
                Match name = EventName().Match(message.Value);
                Assert.True(id.Success && name.Success, $"{Name(file)}: {message.Value}");
                messages.Add((int.Parse(id.Groups[1].Value, CultureInfo.InvariantCulture), name.Groups[1].Value, Name(file)));
            }
        }

        Assert.True(messages.Count > 10);
        Assert.Empty(messages.GroupBy(message => message.Id).Where(same => same.Count() > 1).SelectMany(same => same));
        Assert.Empty(messages.GroupBy(message => message.Name).Where(same => same.Count() > 1).SelectMany(same => same));
    }

    [Fact]
    public void Every_class_of_the_gateway_except_its_pages_is_internal()
    {
        // Razor makes components and their parameters public; nothing else is.
        IEnumerable<string> faults = typeof(Program).Assembly.GetExportedTypes()
            .Where(type => type.Namespace?.StartsWith("Gateway", StringComparison.Ordinal) == true && type.Namespace != "Gateway.Pages")
            .Select(type => type.FullName!);

        Assert.Empty(faults);
    }

    private static IEnumerable<string> Files(string folder, string pattern) => Directory.EnumerateFiles(folder, pattern, SearchOption.AllDirectories);

    private static string Name(string file) => Path.GetRelativePath(Source, file);

    /// <summary>In a using line or in front of a type's name.</summary>
    [GeneratedRegex(@"(?<![\w.""])Gateway\.(?<folder>[A-Z]\w+)\b(?!\.css)")]
    private static partial Regex Mentions();

    [GeneratedRegex(@"[cC]onfiguration\[|GetEnvironmentVariable|GetSection\(|\.GetValue<|GetConnectionString")]
    private static partial Regex ReadsConfiguration();

    /// <summary>`new SettingsException([new("GATEWAY_…", …)])`: the variable comes first.</summary>
    [GeneratedRegex(@"new ?(SettingsException)?\(\s*\[\s*new\(\s*""\w+""")]
    private static partial Regex SettingsProblem();

    [GeneratedRegex(@"""(PAPERLESS|GATEWAY)_[A-Z_]+""")]
    private static partial Regex VariableLiteral();

    [GeneratedRegex(@"\[LoggerMessage\(.*?\)\]\n", RegexOptions.Singleline)]
    private static partial Regex LogMessage();

    [GeneratedRegex(@"EventId = (\d+)")]
    private static partial Regex EventId();

    [GeneratedRegex(@"EventName = ""(\w+)""")]
    private static partial Regex EventName();
}
