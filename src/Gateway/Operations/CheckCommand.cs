using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Checks;
using Gateway.Settings;

namespace Gateway.Operations;

/// <summary>`Gateway check`: prints one line for each finding, and the addresses that the provider must know.</summary>
internal static class CheckCommand
{
    public const int WarningsOnly = 2;

    private static readonly TimeSpan RepeatInterval = TimeSpan.FromSeconds(2);

    /// <param name="create">Creates the application without serving.</param>
    /// <param name="output">Gets the findings.</param>
    /// <param name="accounts">Also says of each Paperless user who becomes it at a first sign-in.</param>
    /// <param name="wait">Repeats the checks until nothing is wrong, for this long at most; null: once.</param>
    /// <returns>The exit code: 0 all good, 1 something is wrong, 2 warnings only.</returns>
    public static async Task<int> RunAsync(
        Func<WebApplication> create, TextWriter output, bool json, bool accounts, TimeSpan? wait, CancellationToken cancel)
    {
        WebApplication app;
        try
        {
            app = create();
        }
        catch (SettingsException wrong)
        {
            IEnumerable<Finding> problems = wrong.Problems.Select(problem =>
                Finding.Problem("settings", $"{problem.Variable} {problem.Wrong.TrimEnd('.')}", problem.Remedy.TrimEnd('.')));
            return await WriteAsync(output, new CheckReport([.. problems], At: default), [], json);
        }

        await using (app)
        {
            TimeProvider time = app.Services.GetRequiredService<TimeProvider>();
            CheckRunner runner = app.Services.GetRequiredService<CheckRunner>();
            DateTimeOffset until = time.GetUtcNow() + (wait ?? TimeSpan.Zero);
            CheckReport report = await runner.RunAsync(cancel);
            while (report.Worst == FindingLevel.Problem && time.GetUtcNow() + RepeatInterval < until)
            {
                await Task.Delay(RepeatInterval, time, cancel);
                report = await runner.RunAsync(cancel);
            }

            if (accounts)
            {
                IReadOnlyList<Finding> users = await app.Services.GetRequiredService<AccountsCheck>().RunAsync(cancel);
                report = new CheckReport([.. report.Findings, .. users], report.At);
            }

            return await WriteAsync(output, report, RegisteredAddress.Of(app.Services.GetRequiredService<GatewaySettings>()), json);
        }
    }

    private static async Task<int> WriteAsync(TextWriter output, CheckReport report, IReadOnlyList<RegisteredAddress> addresses, bool json)
    {
        await output.WriteLineAsync(json ? ToJson(report, addresses) : ToText(report, addresses));
        return report.Worst switch
        {
            FindingLevel.Problem => Terminal.Failure,
            FindingLevel.Warning => WarningsOnly,
            _ => 0,
        };
    }

    private static string ToText(CheckReport report, IReadOnlyList<RegisteredAddress> addresses)
    {
        StringBuilder text = new();
        foreach (Finding finding in report.Findings)
        {
            text.Append(finding.Mark).Append(' ').AppendLine(Terminal.ReplaceControlCharacters(finding.ToString()));
        }

        foreach (IGrouping<string, RegisteredAddress> provider in addresses.GroupBy(address => address.Provider))
        {
            text.AppendLine().Append("To register at ").Append(provider.Key).AppendLine(", exactly as they stand here:");
            foreach (RegisteredAddress address in provider)
            {
                text.Append("  ").Append(address.Use.PadRight(24)).AppendLine(address.Address);
            }
        }

        return text.ToString().TrimEnd();
    }

    private static string ToJson(CheckReport report, IReadOnlyList<RegisteredAddress> addresses) =>
        JsonSerializer.Serialize(new CheckJson(report.Worst, report.Findings, addresses), CheckJsonContext.Default.CheckJson);
}

/// <summary>The output of `check --json`.</summary>
internal sealed record CheckJson(FindingLevel Result, IReadOnlyList<Finding> Findings, IReadOnlyList<RegisteredAddress> Register);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(CheckJson))]
internal sealed partial class CheckJsonContext : JsonSerializerContext;
