using Gateway.Paperless;
using Gateway.Providers;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gateway.Operations;

/// <summary>Registers a check for each part that the gateway needs. A provider that is away stops sign-ins only, so it is no more than degraded.</summary>
internal static class HealthChecks
{
    public const string Store = "store";
    public const string Paperless = "paperless";

    public static void AddGatewayHealth(this IServiceCollection services, GatewaySettings settings)
    {
        IHealthChecksBuilder checks = services.AddHealthChecks()
            .AddCheck<StoreCheck>(Store)
            .AddCheck<PaperlessCheck>(Paperless);
        foreach (ProviderSettings provider in settings.Providers)
        {
            checks.AddTypeActivatedCheck<ProviderCheck>($"provider {provider.Id}", HealthStatus.Degraded, provider.Id);
        }

        services.AddSingleton<Health>();
    }
}

/// <summary>A check that must answer in time. The framework's own time limit does not use the <see cref="TimeProvider"/>.</summary>
internal abstract class TimedCheck(TimeProvider time) : IHealthCheck
{
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(3);

    /// <remarks>The description is public: it says what the failure says, and the exception stays here.</remarks>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken)
    {
        using Deadline deadline = new(AnswerTimeout, time, cancellationToken);
        try
        {
            await AskAsync(deadline.Token).WaitAsync(deadline.Token);
            return HealthCheckResult.Healthy("ok");
        }
        catch (OperationCanceledException)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, "does not answer in time");
        }
        catch (Exception error)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, error.Message);
        }
    }

    /// <summary>Throws where the part does not work.</summary>
    protected abstract Task AskAsync(CancellationToken cancel);
}

/// <summary>The store must answer.</summary>
internal sealed class StoreCheck(ISessionStore store, TimeProvider time) : TimedCheck(time)
{
    protected override Task AskAsync(CancellationToken cancel) => store.CheckAsync(cancel);
}

/// <summary>One replica of Paperless must answer, and not with an error of its own.</summary>
internal sealed class PaperlessCheck(UpstreamClient paperless, Upstreams upstreams, TimeProvider time) : TimedCheck(time)
{
    protected override async Task AskAsync(CancellationToken cancel)
    {
        // A replica that is silent leaves time to ask another.
        TimeSpan each = AnswerTimeout / Math.Min(upstreams.Count.All, 2);
        UpstreamResponse answer = await paperless.AskAsync(new UpstreamRequest(HttpMethod.Get, "/favicon.ico", each), cancel);
        if ((int)answer.Status is 400 or >= 500)
        {
            throw new HttpRequestException($"it answers {(int)answer.Status}");
        }
    }
}

/// <summary>The provider's discovery document must be valid, and the provider must answer now.</summary>
internal sealed class ProviderCheck(string id, ProviderRegistry providers, TimeProvider time) : TimedCheck(time)
{
    protected override async Task AskAsync(CancellationToken cancel)
    {
        Provider provider = providers.Find(id)!;
        await provider.Discovery.GetConfigurationAsync(cancel);
        await provider.EnsureReachableAsync(cancel);
    }
}
