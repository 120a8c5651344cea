using System.Globalization;

namespace Gateway.Storage;

/// <summary>
/// Ends that a store elsewhere has not taken yet, in a file of the gateway's own: a sign-out that was acknowledged outlives this process, too.
/// Each line is a hash that opens nothing.
/// </summary>
internal sealed class EndJournal(string directory)
{
    public const string FileName = "ends-to-tell";

    private readonly Lock _writing = new();
    private readonly string _path = Path.Combine(directory, FileName);
    private bool _isEmpty;

    /// <summary>Notes the end of one session.</summary>
    /// <returns>False where the file cannot be written: the end then lives as long as this process.</returns>
    public bool Note(byte[] key) => Append(Convert.ToHexStringLower(key));

    /// <summary>Notes the end of a whole `sid` or person.</summary>
    public bool Note(string index, DateTimeOffset at, TimeSpan kept) =>
        Append(string.Create(CultureInfo.InvariantCulture, $"{index} {at.ToUnixTimeMilliseconds()} {(long)kept.TotalMilliseconds}"));

    /// <summary>What an earlier process left behind; a line that was not written to its end is none.</summary>
    public (IReadOnlyList<byte[]> Keys, IReadOnlyList<(string Index, DateTimeOffset At, TimeSpan Kept)> Indexes) Read()
    {
        List<byte[]> keys = [];
        List<(string, DateTimeOffset, TimeSpan)> indexes = [];
        foreach (string[] words in Lines().Select(line => line.Split(' ')).Where(words => words[0].Length == 64 && words[0].All(char.IsAsciiHexDigit)))
        {
            if (words.Length == 1)
            {
                keys.Add(Convert.FromHexString(words[0]));
            }
            else if (words.Length == 3 && long.TryParse(words[1], CultureInfo.InvariantCulture, out long at) && long.TryParse(words[2], CultureInfo.InvariantCulture, out long kept))
            {
                indexes.Add((words[0].ToUpperInvariant(), DateTimeOffset.FromUnixTimeMilliseconds(at), TimeSpan.FromMilliseconds(kept)));
            }
        }

        return (keys, indexes);
    }

    /// <summary>Empties the file when nothing waits any more.</summary>
    public void ClearIf(Func<bool> nothingWaits)
    {
        lock (_writing)
        {
            if (_isEmpty || !nothingWaits())
            {
                return;
            }

            try
            {
                if (File.Exists(_path))
                {
                    File.Delete(_path);
                }

                _isEmpty = true;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // What is told twice does no harm.
            }
        }
    }

    private string[] Lines()
    {
        lock (_writing)
        {
            return File.Exists(_path) ? File.ReadAllLines(_path) : [];
        }
    }

    private bool Append(string line)
    {
        lock (_writing)
        {
            try
            {
                using FileStream file = new(_path, FileMode.Append, FileAccess.Write, FileShare.Read);

                // A line before it may have been cut off.
                file.Write(System.Text.Encoding.ASCII.GetBytes($"\n{line}\n"));
                file.Flush(flushToDisk: true);
                _isEmpty = false;
                return true;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }
}
