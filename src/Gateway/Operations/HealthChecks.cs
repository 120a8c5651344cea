using Gateway.Checks;
using Gateway.Paperless;
using Gateway.Providers;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gateway.Operations;

/// <summary>
/// Registers the health checks. An unavailable provider prevents only sign-ins, so the status is degraded and not unhealthy. A fault
/// that only the operator can correct, and with which nobody can sign in, is unhealthy.
/// </summary>
internal static class HealthChecks
{
    public const string Store = "store";
    public const string Paperless = "paperless";

    public static void AddGatewayHealth(this IServiceCollection services, GatewaySettings settings)
    {
        IHealthChecksBuilder checks = services.AddHealthChecks()
            .AddCheck<StoreHealthCheck>(Store)
            .AddCheck<PaperlessHealthCheck>(Paperless);
        foreach (ProviderSettings provider in settings.Providers)
        {
            checks.AddTypeActivatedCheck<ProviderHealthCheck>($"provider {provider.Id}", HealthStatus.Degraded, provider.Id);
        }

        services.AddSingleton<Health>();
    }
}

/// <summary>A health check with a timeout. The framework's own timeout does not use the <see cref="TimeProvider"/>.</summary>
internal abstract class TimedHealthCheck(TimeProvider time) : IHealthCheck
{
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(3);

    /// <remarks>The description is public. It contains the message of an exception, but not the exception itself.</remarks>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken)
    {
        using Deadline deadline = new(AnswerTimeout, time, cancellationToken);
        try
        {
            return await RunAsync(deadline.Token).WaitAsync(deadline.Token);
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

    protected static readonly HealthCheckResult Ok = HealthCheckResult.Healthy("ok");

    /// <summary>A fault of single sign-on: with Paperless's passwords, people can still sign in.</summary>
    protected static HealthCheckResult Judge(Finding fault, PaperlessSettings settings) =>
        settings.RegularLoginDisabled ? HealthCheckResult.Unhealthy(fault.ToString()) : HealthCheckResult.Degraded(fault.ToString());

    /// <summary>Runs the check. An exception means failure.</summary>
    protected abstract Task<HealthCheckResult> RunAsync(CancellationToken cancel);
}

/// <summary>The store must answer.</summary>
internal sealed class StoreHealthCheck(ISessionStore store, TimeProvider time) : TimedHealthCheck(time)
{
    protected override async Task<HealthCheckResult> RunAsync(CancellationToken cancel)
    {
        await store.CheckAsync(cancel);
        return Ok;
    }
}

/// <summary>A replica of Paperless must answer without an error, and Paperless must accept the user header.</summary>
internal sealed class PaperlessHealthCheck(
    UpstreamClient paperless,
    Upstreams upstreams,
    RemoteUserStatus remoteUser,
    SignInFaults faults,
    GatewaySettings settings,
    TimeProvider time) : TimedHealthCheck(time)
{
    protected override async Task<HealthCheckResult> RunAsync(CancellationToken cancel)
    {
        // If a replica does not answer, there must be time for another one.
        TimeSpan replicaTimeout = AnswerTimeout / Math.Min(upstreams.Count.All, 2);
        UpstreamResponse answer = await paperless.AskAsync(new UpstreamRequest(HttpMethod.Get, "/favicon.ico", replicaTimeout), cancel);
        if ((int)answer.Status is 400 or >= 500)
        {
            throw new HttpRequestException($"it answers {(int)answer.Status}");
        }

        if (faults.OfPaperless is { } fault)
        {
            return Judge(fault, settings.Paperless);
        }

        // Apps with an API token can go on working.
        return remoteUser.IsIgnored ? HealthCheckResult.Degraded(remoteUser.Problem) : Ok;
    }
}

/// <summary>The provider's discovery document must be valid, and the provider must answer now.</summary>
internal sealed class ProviderHealthCheck(string id, ProviderRegistry providers, GatewaySettings settings, SignInFaults faults, TimeProvider time)
    : TimedHealthCheck(time)
{
    protected override async Task<HealthCheckResult> RunAsync(CancellationToken cancel)
    {
        Provider provider = providers.Find(id)!;
        try
        {
            await provider.Discovery.GetConfigurationAsync(cancel);
            await provider.EnsureReachableAsync(cancel);
            return faults.OfProvider(id) is { } fault ? Judge(fault) : Ok;
        }
        catch (Exception error) when (error is HttpRequestException or ProviderUnavailableException)
        {
            ProviderUnavailableException failure = ProviderFailureText.From(error, provider.Settings.DiscoveryUrl.AbsoluteUri);
            throw new ProviderUnavailableException(ProviderFailureText.Describe(failure, provider.Settings), failure);
        }
    }

    /// <summary>People can sign in while another provider has no fault.</summary>
    private HealthCheckResult Judge(Finding fault) => settings.Providers.All(provider => faults.OfProvider(provider.Id) is not null)
        ? Judge(fault, settings.Paperless)
        : HealthCheckResult.Degraded(fault.ToString());
}
