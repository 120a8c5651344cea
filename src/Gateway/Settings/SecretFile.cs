namespace Gateway.Settings;

/// <summary>The file that holds the value of a variable.</summary>
/// <param name="Variable">The name of the setting, without `_FILE`.</param>
internal sealed record SecretFile(string Variable, string Path)
{
    public string FileVariable => Variable + "_FILE";

    /// <summary>For logs and debuggers: people write the secret in place of the path.</summary>
    public override string ToString() => FileVariable;
}
