using System.Security.Cryptography;
using Gateway.Background;

namespace Gateway.Operations;

/// <summary>Reads the files of the certificate again when their content changes, as <see cref="SecretReload"/> does, and warns before it expires.</summary>
internal sealed partial class CertificateReload(ServedCertificate served, TimeProvider time, ILogger<CertificateReload> logger) : BackgroundService
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(20);

    public static readonly TimeSpan WarningTime = TimeSpan.FromDays(14);

    private static readonly TimeSpan WarningPeriod = TimeSpan.FromDays(1);

    private string _seen = served.Fingerprint;
    private DateTimeOffset? _warnedAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        BackgroundLoop loop = new("The reading of a renewed certificate", time, logger);
        await loop.RunOnceAsync(LookAsync, stoppingToken);
        await loop.RunPeriodicallyAsync(Interval, LookAsync, stoppingToken);
    }

    private Task LookAsync(CancellationToken cancel)
    {
        ReadIfChanged();
        WarnIfItExpires();
        return Task.CompletedTask;
    }

    private void ReadIfChanged()
    {
        string now = _seen;
        try
        {
            CertificateContent content = served.Files.Read();
            now = content.Fingerprint;
            if (now != _seen)
            {
                served.Replace(content.Load());
                _warnedAt = null;
                CertificateRead(served.Subject, served.ExpiresAt);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            // Files that cannot be read have a fingerprint of their own: they are reported once.
            now = now == _seen ? error.GetType().Name : now;
            if (now != _seen)
            {
                CertificateNotRead(served.Files.Path, served.Files.KeyPath, error.Message, served.ExpiresAt);
            }
        }

        _seen = now;
    }

    private void WarnIfItExpires()
    {
        DateTimeOffset now = time.GetUtcNow();
        if (served.ExpiresAt - now < WarningTime && (_warnedAt is not { } warned || now - warned >= WarningPeriod))
        {
            _warnedAt = now;
            CertificateExpires(served.Subject, served.ExpiresAt, served.Files.Path);
        }
    }

    [LoggerMessage(
        EventId = 8230,
        EventName = "CertificateRead",
        Level = LogLevel.Information,
        Message = "The certificate files changed. New connections get the certificate for {Subject}, which expires at {ExpiresAt}")]
    private partial void CertificateRead(string subject, DateTimeOffset expiresAt);

    [LoggerMessage(
        EventId = 8231,
        EventName = "CertificateNotRead",
        Level = LogLevel.Warning,
        Message = "{File} and {KeyFile} changed, but cannot be used: {Problem} The gateway goes on with the certificate that it has, which expires at "
            + "{ExpiresAt}")]
    private partial void CertificateNotRead(string file, string keyFile, string problem, DateTimeOffset expiresAt);

    [LoggerMessage(
        EventId = 8232,
        EventName = "CertificateExpires",
        Level = LogLevel.Warning,
        Message = "The certificate for {Subject} expires at {ExpiresAt}, and the gateway has read no newer one from {File}")]
    private partial void CertificateExpires(string subject, DateTimeOffset expiresAt, string file);
}
