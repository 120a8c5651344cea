using Gateway.Settings;

namespace Gateway.Tests.Settings;

/// <summary>The settings of the log, the audit stream and traces.</summary>
public sealed class LogSettingsTests
{
    [Fact]
    public void Without_settings_there_are_no_traces_and_no_audit_stream()
    {
        GatewaySettings settings = GivenEnvironment.Read().Good;

        Assert.Equal(new LogSettings(LogFormat.Auto, Level: null, AccessLog: null, AuditFile: null, AuditOnConsole: false), settings.Log);
        Assert.Equal(new TracingSettings(IsOn: false, Endpoint: null, Ratio: 1, FollowsParent: true), settings.Tracing);
    }

    [Theory]
    [InlineData(null, null, 1, true)]
    [InlineData("always_on", null, 1, false)]
    [InlineData("always_off", null, 0, false)]
    [InlineData("traceidratio", "0.01", 0.01, false)]
    [InlineData("ParentBased_TraceIdRatio", "0.5", 0.5, true)]
    [InlineData("parentbased_always_off", "0.5", 0, true)]
    public void The_sampler_is_that_of_the_standard_variables(string? sampler, string? argument, double ratio, bool followsParent)
    {
        TracingSettings tracing = GivenEnvironment.Read(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317"), ("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", argument)).Good.Tracing;

        Assert.Equal(new TracingSettings(IsOn: true, Endpoint: null, ratio, followsParent), tracing);
    }

    [Fact]
    public void Traces_can_be_switched_off_where_metrics_are_sent()
    {
        GatewaySettings settings = GivenEnvironment.Read(("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317"), ("GATEWAY_TRACES", "false")).Good;

        Assert.Equal((false, true), (settings.Tracing.IsOn, settings.Metrics.IsOn));
    }

    [Theory]
    [InlineData("GATEWAY_LOG_FORMAT", "xml")]
    [InlineData("GATEWAY_LOG_LEVEL", "loud")]
    [InlineData("GATEWAY_ACCESS_LOG", "perhaps")]
    [InlineData("OTEL_TRACES_SAMPLER", "jaeger_remote")]
    [InlineData("OTEL_TRACES_SAMPLER_ARG", "1.5")]
    [InlineData("OTEL_TRACES_SAMPLER_ARG", "-1")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector")]
    public void A_value_that_cannot_be_meant_is_a_problem(string name, string value) =>
        Assert.Equal(name, GivenEnvironment.Read((name, value)).Problem.Variable);
}
