using System.Buffers;
using System.Globalization;

namespace Gateway.Accounts;

/// <summary>The command that links a person to an account, for the operator to copy.</summary>
internal static class LinkCommand
{
    private static readonly SearchValues<char> Unquoted = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./_-");

    public static string For(Person person, string username) =>
        $"docker compose exec gateway dotnet Gateway.dll accounts link --provider {Quote(person.Provider)} --issuer {Quote(person.Issuer)} "
        + $"--subject {Quote(person.Subject)} --user {Quote(username)}";

    /// <summary>Before the person has ever signed in, where the provider uses the same user name.</summary>
    public static string ForLater(string username) =>
        $"docker compose exec gateway dotnet Gateway.dll accounts link --user {Quote(username)} --provider-user {Quote(username)}";

    /// <summary>For a POSIX shell: names come from the provider, and the operator pastes them.</summary>
    private static string Quote(string text)
    {
        string shown = new([.. text.Select(letter => IsInvisible(letter) ? '\uFFFD' : letter)]);
        return shown.Length > 0 && !shown.AsSpan().ContainsAnyExcept(Unquoted)
            ? shown
            : $"'{shown.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }

    private static bool IsInvisible(char letter) => char.GetUnicodeCategory(letter)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
