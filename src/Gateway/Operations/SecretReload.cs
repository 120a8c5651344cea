using System.Security.Cryptography;
using Gateway.Background;
using Gateway.Settings;

namespace Gateway.Operations;

/// <summary>
/// Reads the files of secrets again when their content changes. It asks for the content, and not for events of the file system: those do not cross
/// every mount, and secrets are exchanged by symbolic links.
/// </summary>
internal sealed partial class SecretReload(GatewaySettings settings, IConfiguration environment, TimeProvider time, ILogger<SecretReload> logger)
    : BackgroundService
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(20);

    private readonly IReadOnlyList<SecretFile> _files = new GatewaySettingsReader(environment).RotatingFiles();

    /// <summary>Empty at first: the files may have changed during the start.</summary>
    private string _seen = "";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_files.Count == 0)
        {
            return;
        }

        await new BackgroundLoop("The reading of changed secret files", time, logger).RunPeriodicallyAsync(
            Interval,
            _ =>
            {
                ReadIfChanged();
                return Task.CompletedTask;
            },
            stoppingToken);
    }

    private void ReadIfChanged()
    {
        string now = Fingerprint();
        if (now == _seen)
        {
            return;
        }

        try
        {
            // All of it is read, so that a secret is checked as at a start.
            TakeOver(new GatewaySettingsReader(environment).Read().Settings);
            _seen = now;
        }
        catch (SettingsException wrong)
        {
            _seen = now;
            SecretsNotRead(wrong.Problems.Select(problem => problem.ToString()));
        }
    }

    /// <summary>A secret never goes to a client or an address that came with another secret.</summary>
    private void TakeOver(GatewaySettings later)
    {
        List<string> rotated =
        [
            .. settings.Providers.Where(provider => later.Providers.Any(provider.Rotate)).Select(provider => $"the client secret or key for {provider.Id}"),
        ];
        if (settings.Accounts.Rotate(later.Accounts))
        {
            rotated.Add("the credential for Paperless");
        }

        if (rotated.Count > 0)
        {
            SecretsRead(rotated);
        }

        string[] others =
        [
            .. settings.Providers.Where(provider => !later.Providers.Any(provider.IsSameClient)).Select(provider => provider.Id)
                .Union(later.Providers.Where(provider => !settings.Providers.Any(provider.IsSameClient)).Select(provider => provider.Id)),
        ];
        if (others.Length > 0)
        {
            RestartNeeded(others);
        }
    }

    /// <summary>A file that cannot be read, or is too large, has a fingerprint of its own: it is reported once.</summary>
    private string Fingerprint() => string.Join(' ', _files.Select(file =>
    {
        try
        {
            return BoundedFile.Read(file.Path, Variables.MaxFileBytes) is { } content
                ? Convert.ToHexStringLower(SHA256.HashData(content))
                : "too large";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return error.GetType().Name;
        }
    }));

    [LoggerMessage(
        EventId = 8220,
        EventName = "SecretsRead",
        Level = LogLevel.Information,
        Message = "A secret file changed. From now on the gateway uses the new content of: {Secrets}")]
    private partial void SecretsRead(IEnumerable<string> secrets);

    [LoggerMessage(
        EventId = 8221,
        EventName = "SecretsNotRead",
        Level = LogLevel.Warning,
        Message = "A secret file changed, but its content cannot be used: {Problems}. The gateway goes on with the secrets that it has")]
    private partial void SecretsNotRead(IEnumerable<string> problems);

    [LoggerMessage(
        EventId = 8222,
        EventName = "RestartNeeded",
        Level = LogLevel.Warning,
        Message = "A secret file changes more than the secrets of {Providers}: the client, the address, the kind of secret, or the list of providers. "
            + "The gateway keeps the previous values. Restart it to use the new ones")]
    private partial void RestartNeeded(IEnumerable<string> providers);
}
