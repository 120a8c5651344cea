using System.Reflection;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>The first entry of a backup: what the archive holds, and from which gateway it is.</summary>
/// <param name="Schema">The schema of the database; null with Redis.</param>
internal sealed partial record BackupManifest(
    int Format,
    string Version,
    DateTimeOffset CreatedAt,
    string Store,
    long? Schema,
    IReadOnlyList<BackupFile> Files)
{
    public const string FileName = "manifest.json";

    public const int CurrentFormat = 1;

    public const int MaxBytes = 1024 * 1024;

    public const int MaxFiles = 2000;

    /// <summary>Files other than the database.</summary>
    public const int MaxFileBytes = 16 * 1024 * 1024;

    public const string Secrets = "secrets/";

    public static string StoreOf(StorageSettings settings) => settings.Redis is null ? "sqlite" : "redis";

    public static string ProgramVersion =>
        typeof(BackupManifest).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Whether an archive can have a file of that name: no path leads out of the directory.</summary>
    public static bool IsValidName(string name) =>
        name is Database.FileName or PendingRevocationFile.FileName || KeyName().IsMatch(name) || SecretName().IsMatch(name);

    [GeneratedRegex(@"\A" + StorageFeature.KeysDirectory + @"/[A-Za-z0-9_-]{1,200}\.xml\z")]
    private static partial Regex KeyName();

    [GeneratedRegex(@"\A" + Secrets + @"[A-Z][A-Z0-9_]{0,100}\z")]
    private static partial Regex SecretName();
}

internal sealed record BackupFile(string Name, long Bytes, string Sha256);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(BackupManifest))]
internal sealed partial class BackupManifestJson : JsonSerializerContext;

/// <summary>A backup cannot be made, read or restored. The message is a sentence for the operator.</summary>
internal sealed class BackupException(string message) : Exception(message);
