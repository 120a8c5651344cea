using Gateway.Background;

namespace Gateway.Checks;

/// <summary>
/// Runs the checks right after the start and logs what is wrong, so that the operator reads it before anybody meets it. While something is wrong, the
/// checks run again, and the log says what changed.
/// </summary>
internal sealed partial class StartupChecks(
    LatestReport latest,
    SignInFaults faults,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<StartupChecks> logger) : BackgroundService
{
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromSeconds(10);

    /// <summary>While nobody can sign in, a correction at the provider or in Paperless is noticed after this time at the latest.</summary>
    private static readonly TimeSpan MaxBackoffWithoutSignIn = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan MaxBackoff = TimeSpan.FromHours(1);

    private TimeSpan _maxBackoff = MaxBackoffWithoutSignIn;

    /// <summary>The subjects of the problems in the log: what was seen may differ a little each time, such as a number of seconds.</summary>
    private HashSet<string> _logged = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        BackgroundLoop loop = new("The checks after the start", time, logger);
        await loop.RunOnceAsync(WaitForStartAsync, stoppingToken);
        TimeSpan backoff = FirstBackoff;
        bool isWrong = true;
        while (isWrong && !stoppingToken.IsCancellationRequested)
        {
            await loop.RunOnceAsync(async cancel => isWrong = await CheckAsync(cancel), stoppingToken);
            if (isWrong)
            {
                await Task.Delay(backoff, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                backoff = backoff * 2 < _maxBackoff ? backoff * 2 : _maxBackoff;
            }
        }
    }

    /// <summary>The checks do not delay the start.</summary>
    private async Task WaitForStartAsync(CancellationToken stoppingToken)
    {
        TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
    }

    /// <returns>Whether something is wrong.</returns>
    private async Task<bool> CheckAsync(CancellationToken stoppingToken)
    {
        CheckReport report = await latest.RefreshAsync(stoppingToken);
        faults.Update(report);
        _maxBackoff = report.Findings.Any(finding => finding.PreventsSignIn) ? MaxBackoffWithoutSignIn : MaxBackoff;
        Finding[] wrong = [.. report.Findings.Where(finding => finding.Level == FindingLevel.Problem)];
        foreach (Finding finding in wrong.Where(finding => !_logged.Contains(finding.Subject)))
        {
            CheckFailed(finding.Subject, finding.Seen, finding.Remedy ?? "");
        }

        if (_logged.Count > 0 && wrong.Length == 0)
        {
            ChecksPassed();
        }

        _logged = [.. wrong.Select(finding => finding.Subject)];
        return wrong.Length > 0;
    }

    [LoggerMessage(EventId = 1300, EventName = "CheckFailed", Level = LogLevel.Error, Message = "{Subject}: {Seen}. {Remedy}")]
    private partial void CheckFailed(string subject, string seen, string remedy);

    [LoggerMessage(EventId = 1301, EventName = "ChecksPassed", Level = LogLevel.Information, Message = "The checks find nothing wrong any more")]
    private partial void ChecksPassed();
}
