using Gateway.Background;
using Gateway.Paperless;

namespace Gateway.Accounts;

/// <summary>Links people at the providers to Paperless users, creates users and keeps them in sync.</summary>
internal static class AccountsFeature
{
    public static void AddAccounts(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<AccountLinking>();
        builder.Services.AddSingleton<UsernameMatch>();
        builder.Services.AddSingleton<NamesakeSearch>();
        builder.Services.AddSingleton<AccountProvisioning>();
        builder.Services.AddSingleton<AccountSync>();
        builder.Services.AddSingleton<AccountRefusals>();
        builder.Services.AddSingleton<AccountSignIn>();
        builder.Services.AddSingleton<GroupClaimWarnings>();
        builder.Services.AddSingleton<ClaimsDecision>();
        builder.Services.AddSingleton<Connect>();
        builder.Services.AddSingleton<PendingLinks>();
        builder.Services.AddSingleton<RefusedSignIns>();
        builder.Services.AddHostedService<CredentialStartupCheck>();
    }
}

/// <summary>Checks once at start that the API token is a superuser's, so that the log reports a wrong token before the first sign-in.</summary>
internal sealed partial class CredentialStartupCheck(
    PaperlessApi api,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<CredentialStartupCheck> logger)
    : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop("The startup check of Paperless's API token", time, logger).RunOnceAsync(CheckAsync, stoppingToken);

    private async Task CheckAsync(CancellationToken stoppingToken)
    {
        try
        {
            // Not in the way of the start.
            TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
            using CancellationTokenRegistration starts = lifetime.ApplicationStarted.Register(started.SetResult);
            await started.Task.WaitAsync(stoppingToken);
            await api.GetTokenOwnerAsync(stoppingToken);
        }
        catch (PaperlessUnavailableException failure)
        {
            NotAskedYet(failure.Message);
        }
        catch (PaperlessCredentialException)
        {
            // It is in the log already.
        }
        catch (ObjectDisposedException) when (stoppingToken.IsCancellationRequested)
        {
            // A gateway that stops.
        }
    }

    [LoggerMessage(
        EventId = 7005,
        EventName = "PaperlessNotAskedYet",
        Level = LogLevel.Warning,
        Message = "Paperless does not answer yet, so its API token is not checked: {Reason}. The first sign-in checks it")]
    private partial void NotAskedYet(string reason);
}
