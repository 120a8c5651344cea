using System.Diagnostics.Metrics;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Gateway.Access;
using Gateway.Metrics;
using Gateway.Operations;
using Gateway.Settings;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Shipping;

/// <summary>Tables of the documents that are generated from the code. With `UPDATE_DOCS=1` these tests write them anew.</summary>
public sealed partial class GeneratedDocumentTests
{
    [Fact]
    public void The_documented_settings_are_those_of_the_code() => Check("docs/settings.md", "settings", _ => SettingsReference.ToMarkdown());

    [Fact]
    public void The_documented_log_events_are_those_of_the_code() => Check("docs/operating.md", "events", WithRemedies);

    [Fact]
    public void The_documented_access_table_is_that_of_the_code() => Check("docs/architecture.md", "access", _ => AccessRows());

    [Fact]
    public void The_documented_audit_events_and_fields_are_those_of_the_code()
    {
        Check("docs/audit.md", "audit events", _ => AuditRows());
        Check("docs/audit.md", "audit fields", AuditFieldRows);
        Assert.DoesNotContain("|  |", Part("docs/audit.md", "audit fields").Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_documented_metrics_are_those_of_the_code()
    {
        string folder = Directory.CreateTempSubdirectory("gateway-certificate-").FullName;
        CertificateFolder certificate = new(folder);
        certificate.Write(DateTimeOffset.UtcNow.AddDays(60));
        await using World world = await World.StartAsync(options =>
        {
            foreach ((string name, string value) in certificate.Settings)
            {
                options.Settings[name] = value;
            }
        });
        Directory.Delete(folder, recursive: true);
        string table = MetricRows(Instruments(world.Gateway.Services));
        Check("docs/operating.md", "metrics", _ => table);
    }

    [Fact]
    public void Every_documented_log_event_says_what_to_do() =>
        Assert.Empty(Remedies(Part("docs/operating.md", "events").Text).Where(remedy => remedy.Value.Length == 0).Select(remedy => remedy.Key));

    /// <summary>Fails for an id that no log event has.</summary>
    private static string AuditRows()
    {
        Dictionary<int, string> names = Events().ToDictionary(one => one.Id, one => one.Name);
        StringBuilder text = new("| Action | Outcome | Id | Event |\n|---|---|---|---|\n");
        foreach (AuditEvent one in AuditEvents.All)
        {
            text.Append(CultureInfo.InvariantCulture, $"| `{one.Action}` | {one.Outcome} | {one.Id} | `{names[one.Id]}` |\n");
        }

        return text.ToString();
    }

    /// <summary>The meanings are written by people: they stay with their field.</summary>
    private static string AuditFieldRows(string before)
    {
        Dictionary<string, string> meanings = before.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .ToDictionary(cells => cells[1].Trim('`'), cells => cells[2]);
        StringBuilder text = new("| Field | Meaning |\n|---|---|\n");
        foreach (string field in AuditLines.CommonFields.Concat(AuditEvents.Fields.Values.Distinct().Order(StringComparer.Ordinal)))
        {
            text.Append(CultureInfo.InvariantCulture, $"| `{field}` | {meanings.GetValueOrDefault(field, "")} |\n");
        }

        return text.ToString();
    }

    private static string MetricRows(IEnumerable<Instrument> instruments)
    {
        StringBuilder text = new("| Instrument | Kind | Unit | Meaning |\n|---|---|---|---|\n");
        foreach (Instrument instrument in instruments.OrderBy(instrument => instrument.Name, StringComparer.Ordinal))
        {
            string kind = instrument.GetType().Name.Split('`')[0].Replace("Observable", "", StringComparison.Ordinal);
            text.Append("| ").AppendJoin(" | ", $"`{instrument.Name}`", kind, $"`{instrument.Unit}`", WithCode(instrument.Description!)).Append(" |\n");
        }

        return text.ToString();
    }

    /// <summary>The names of attributes have dots within.</summary>
    private static string WithCode(string description) => AttributeName().Replace(description, "`$0`");

    [GeneratedRegex(@"\b(gateway|db)\.[a-z_.]*[a-z]")]
    private static partial Regex AttributeName();

    /// <summary>Every instrument of the gateway. Each class `…Metrics` makes some.</summary>
    private static List<Instrument> Instruments(IServiceProvider services)
    {
        foreach (Type type in typeof(Program).Assembly.GetTypes().Where(type => type.Name.EndsWith("Metrics", StringComparison.Ordinal) && type.IsClass))
        {
            services.GetRequiredService(type);
        }

        List<Instrument> instruments = [];
        object factory = services.GetRequiredService<IMeterFactory>();
        using MeterListener listener = new()
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == GatewayMeter.Name && instrument.Meter.Scope == factory)
                {
                    instruments.Add(instrument);
                }
            },
        };
        listener.Start();
        return instruments;
    }

    private static string AccessRows()
    {
        StringBuilder text = new("| Method | Path | When | Without a session | With a session | Purpose |\n|---|---|---|---|---|---|\n");
        foreach (AccessRule rule in AccessTable.Rules)
        {
            string stranger = Words(rule.WithoutSession);
            string session = rule.WithSession == rule.WithoutSession ? "the same" : Words(rule.WithSession);
            text.Append("| ").AppendJoin(" | ", Words(rule.Methods), rule.Path, Words(rule.When), stranger, session, rule.Purpose).Append(" |\n");
        }

        return text.ToString();
    }

    private static string Words(AccessMethods methods) => methods switch
    {
        AccessMethods.Read => "GET, HEAD",
        AccessMethods.Post => "POST",
        AccessMethods.ReadOrPost => "GET, HEAD, POST",
        AccessMethods.Change => "all but GET, HEAD",
        AccessMethods.Any => "any",
        _ => throw new ArgumentOutOfRangeException(nameof(methods), methods, null),
    };

    private static string Words(AccessConditions when)
    {
        (AccessConditions Condition, string Words)[] all =
        [
            (AccessConditions.PasswordRequested, "`?password`"),
            (AccessConditions.DevicePassword, "a device password"),
            (AccessConditions.UploadPassword, "a device password for uploads"),
            (AccessConditions.Token, "`Authorization: Token`"),
            (AccessConditions.Basic, "`Authorization: Basic`"),
            (AccessConditions.AnyAuthorization, "any `Authorization`"),
            (AccessConditions.Preflight, "a CORS preflight (`OPTIONS`) of an origin in `PAPERLESS_CORS_ALLOWED_HOSTS`"),
            (AccessConditions.Bearer, "`Authorization: Bearer`"),
            (AccessConditions.BearerOn, "`GATEWAY_BEARER_AUDIENCES` set"),
            (AccessConditions.PasswordsOn, "passwords on"),
            (AccessConditions.PasswordsOff, "passwords off"),
            (AccessConditions.SignupsOff, "sign-ups off"),
            (AccessConditions.AppsOn, "`GATEWAY_APPS`"),
            (AccessConditions.PaperlessTokensOn, "`GATEWAY_PAPERLESS_TOKENS`"),
        ];
        return string.Join(", ", all.Where(one => when.HasFlag(one.Condition)).Select(one => one.Words));
    }

    private static string Words(AccessDecision decision) => decision switch
    {
        AccessDecision.GatewayEndpoint => "the gateway",
        AccessDecision.WithIdentity => "Paperless, with identity",
        AccessDecision.Public => "Paperless, without identity and cookies",
        AccessDecision.AccountPages => "Paperless, with its cookies, without identity",
        AccessDecision.WithCredential => "Paperless, with that credential and no identity",
        AccessDecision.WithBearerToken => "Paperless, with the API token of that user, no identity and no cookies; 401 if the token is not accepted",
        AccessDecision.BearerTokenRefused => "403",
        AccessDecision.WithDevicePassword => "Paperless, with the API token of the person",
        AccessDecision.DevicePasswordRefused => "403",
        AccessDecision.TokenForPassword => "the gateway for a device password; else Paperless, or 400 with passwords off",
        AccessDecision.SignInFirst => "a browser: redirect to the sign-in page; else 401",
        AccessDecision.CredentialRefused => "401",
        AccessDecision.Closed or AccessDecision.NotFound => "404",
        _ => throw new ArgumentOutOfRangeException(nameof(decision), decision, null),
    };

    /// <summary>The remedies are written by people: they stay with their event.</summary>
    private static string WithRemedies(string before)
    {
        Dictionary<string, string> remedies = Remedies(before);
        StringBuilder text = new("| Id | Name | Level | Message | What to do |\n|---|---|---|---|---|\n");
        foreach ((int id, string name, LogLevel level, string message) in Events())
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {id} | `{name}` | {(level == LogLevel.None ? "varies" : level)} | {Escaped(message)} | {remedies.GetValueOrDefault($"{id}", "")} |\n");
        }

        return text.ToString();
    }

    private static Dictionary<string, string> Remedies(string table) => table.Split('\n')
        .Where(line => line.StartsWith("| ", StringComparison.Ordinal) && char.IsAsciiDigit(line[2]))
        .Select(line => line.TrimStart('|', ' ').TrimEnd().TrimEnd('|').Split(" | "))
        .ToDictionary(cells => cells[0], cells => cells[^1].Trim());

    private static IEnumerable<(int Id, string Name, LogLevel Level, string Message)> Events()
    {
        const BindingFlags Any = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        return typeof(Program).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(Any))
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>())
            .OfType<LoggerMessageAttribute>()
            .Select(attribute => (attribute.EventId, attribute.EventName!, attribute.Level, attribute.Message))
            .Append((RequestLine.Id, RequestLine.Name, LogLevel.Information, RequestLine.Message))
            .OrderBy(message => message.Item1);
    }

    /// <summary>A vertical bar would end the cell of the table.</summary>
    private static string Escaped(string message) => message.Replace("|", "\\|", StringComparison.Ordinal);

    private static void Check(string path, string name, Func<string, string> render)
    {
        (int start, int end, string before) = Part(path, name);
        string expected = $"\n{render(before).Trim('\n')}\n\n";
        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1")
        {
            string whole = Shipped.Text(path);
            File.WriteAllText(Path.Combine(Repository.Root, path), whole[..start] + expected + whole[end..]);
        }

        Assert.Equal(expected, Part(path, name).Text);
    }

    private static (int Start, int End, string Text) Part(string path, string name)
    {
        string begin = $"<!-- generated: {name} -->\n";
        string text = Shipped.Text(path);
        int start = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        Assert.True(start >= begin.Length, $"{path} has no part \"{name}\".");
        int end = text.IndexOf("<!-- end -->", start, StringComparison.Ordinal);
        return (start, end, text[start..end]);
    }
}
