using System.Globalization;

namespace Gateway.Settings;

/// <summary>Reads whether there are traces, and how many, by OpenTelemetry's standard variables.</summary>
internal sealed class TracingSettingsReader(Variables variables)
{
    private const string Sampler = "OTEL_TRACES_SAMPLER";

    private const string Argument = "OTEL_TRACES_SAMPLER_ARG";

    private const string ParentBased = "parentbased_";

    /// <summary>On by default where a collector is named.</summary>
    public TracingSettings Read()
    {
        Uri? endpoint = variables.HttpUrl("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        bool isSent = endpoint is not null || variables.HttpUrl("OTEL_EXPORTER_OTLP_ENDPOINT") is not null;
        string sampler = variables.Text(Sampler)?.ToLowerInvariant() ?? "parentbased_always_on";
        bool followsParent = sampler.StartsWith(ParentBased, StringComparison.Ordinal);
        double ratio = ReadRatio(followsParent ? sampler[ParentBased.Length..] : sampler, ReadArgument());
        return new TracingSettings(variables.Flag("GATEWAY_TRACES", fallback: isSent), endpoint, ratio, followsParent);
    }

    private double ReadRatio(string root, double argument)
    {
        switch (root)
        {
            case "always_on":
                return 1;
            case "always_off":
                return 0;
            case "traceidratio":
                return argument;
            default:
                variables.Problem(
                    Sampler,
                    $"\"{variables.Text(Sampler)}\" is no sampler that the gateway has.",
                    "Write always_on, always_off or traceidratio, or one of them after parentbased_.");
                return 1;
        }
    }

    private double ReadArgument()
    {
        if (variables.Text(Argument) is not { } text)
        {
            return 1;
        }

        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double ratio) && ratio is >= 0 and <= 1)
        {
            return ratio;
        }

        variables.Problem(Argument, $"\"{text}\" is no number from 0 to 1.", "Write 0.01 to record one request of a hundred.");
        return 1;
    }
}
