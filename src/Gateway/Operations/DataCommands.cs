using System.CommandLine;
using Gateway.Settings;

namespace Gateway.Operations;

/// <summary>The commands that save and restore the data directory. They need no other setting: the others may be lost.</summary>
internal static class DataCommands
{
    public static Command Backup()
    {
        Argument<string> target = new("file") { Description = "The archive to write (tar), which must not exist; - writes standard output." };
        Command backup = new("backup", "Saves the database, the keys and the secret files in one archive, also while the gateway runs.") { target };
        backup.SetAction((parsed, cancel) =>
        {
            GatewaySettingsReader settings = Settings();
            return new BackupCommand(settings.Storage(), settings.SecretFiles(), TimeProvider.System).RunAsync(parsed.GetValue(target)!, cancel);
        });
        return backup;
    }

    public static Command Restore()
    {
        Argument<string> source = new("file")
        {
            Description = "A backup, or a copy of the database that the gateway made before an upgrade; - reads a backup from standard input.",
        };
        Option<string> secrets = new("--secrets")
        {
            HelpName = "DIR",
            Description = "Writes the secret files of the backup into this directory, each with the name of its variable.",
        };
        Option<bool> keepSessions = new("--keep-sessions")
        {
            Description = "Keeps sessions and device passwords, also those that were ended after the backup.",
        };
        Command restore = new("restore", "Restores a backup, while no gateway runs. What was there before is moved aside.") { source, secrets, keepSessions };
        restore.SetAction((parsed, cancel) => new RestoreCommand(Settings().Storage(), TimeProvider.System)
            .RunAsync(new(parsed.GetValue(source)!, parsed.GetValue(secrets), parsed.GetValue(keepSessions)), cancel));
        return restore;
    }

    private static GatewaySettingsReader Settings() => new(new ConfigurationBuilder().AddEnvironmentVariables().Build());
}
