namespace Gateway.Operations;

/// <summary>Where `setup` finds an API token of authentik. An option's value would stand in the list of processes.</summary>
/// <param name="IsWanted">`--authentik-token`.</param>
/// <param name="File">`--authentik-token-file`.</param>
internal sealed record AuthentikToken(bool IsWanted, string? File)
{
    public const string Variable = "AUTHENTIK_TOKEN";

    private const int MaxLength = 4096;

    public static AuthentikToken None { get; } = new(false, null);

    public bool IsAsked => IsWanted || File is not null;

    /// <param name="ask">Asks at the terminal, without showing what is typed; null without a terminal.</param>
    /// <returns>The token, or why there is none.</returns>
    public (string? Token, string Error) Read(Func<string, string>? ask)
    {
        string text;
        try
        {
            text = File is null ? Environment.GetEnvironmentVariable(Variable) ?? "" : ReadFile(File);
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            return (null, $"--authentik-token-file: {failed.Message}");
        }

        if (text.Length == 0 && File is null && ask is not null)
        {
            text = ask("An API token of authentik (it is not shown)");
        }

        string token = text.Trim();
        if (token.Length == 0)
        {
            return (null, File is null
                ? $"There is no API token of authentik: set {Variable}, or give --authentik-token-file."
                : $"--authentik-token-file: {File} is empty.");
        }

        return token.Length <= MaxLength && token.All(letter => letter is > ' ' and < '\x7F')
            ? (token, "")
            : (null, "The API token of authentik has letters that no token has.");
    }

    private static string ReadFile(string path)
    {
        using StreamReader reader = new(path);
        char[] buffer = new char[MaxLength + 2];
        return new string(buffer, 0, reader.ReadBlock(buffer));
    }
}
