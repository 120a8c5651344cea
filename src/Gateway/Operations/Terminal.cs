using System.Globalization;
using System.Text;

namespace Gateway.Operations;

/// <summary>The output of commands: requested output goes to standard output, messages go to standard error.</summary>
internal static class Terminal
{
    public const int Failure = 1;

    public const int BadUsage = 2;

    /// <summary>Replaces control characters, which a terminal could execute. User names and `User-Agent` headers can contain them.</summary>
    public static string ReplaceControlCharacters(string text) => string.Concat(text.Select(letter => IsUnprintable(letter) ? '\uFFFD' : letter));

    public static string Table(string[] head, IEnumerable<string[]> cells)
    {
        string[][] rows = [head, .. cells.Select(row => row.Select(ReplaceControlCharacters).ToArray())];
        int[] widths = [.. Enumerable.Range(0, head.Length).Select(column => rows.Max(row => row[column].Length))];
        return string.Join('\n', rows.Select(row => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd()));
    }

    public static string Time(DateTimeOffset time) => time.ToString("u", CultureInfo.InvariantCulture);

    public static Task NoteAsync(string text) => Console.Error.WriteLineAsync(ReplaceControlCharacters(text));

    /// <returns>The exit code.</returns>
    public static async Task<int> FailAsync(string text, int exitCode = Failure)
    {
        await NoteAsync(text);
        return exitCode;
    }

    /// <summary>Asks the person at the terminal.</summary>
    /// <param name="preset">The answer that an empty line means.</param>
    public static string Ask(string question, string preset)
    {
        Console.Error.Write(preset.Length == 0 ? $"{question}: " : $"{question} [{preset}]: ");
        return Console.ReadLine()?.Trim() is { Length: > 0 } answer ? answer : preset;
    }

    /// <summary>Asks the person at the terminal, and does not show the answer.</summary>
    public static string AskSecret(string question)
    {
        Console.Error.Write($"{question}: ");
        StringBuilder answer = new();
        for (ConsoleKeyInfo key = Console.ReadKey(intercept: true); key.Key != ConsoleKey.Enter; key = Console.ReadKey(intercept: true))
        {
            if (key.Key != ConsoleKey.Backspace)
            {
                answer.Append(key.KeyChar);
            }
            else if (answer.Length > 0)
            {
                answer.Length--;
            }
        }

        Console.Error.WriteLine();
        return answer.ToString();
    }

    /// <summary>Control characters, and those that change the direction of text or begin a line.</summary>
    internal static bool IsUnprintable(char letter) => char.GetUnicodeCategory(letter)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
