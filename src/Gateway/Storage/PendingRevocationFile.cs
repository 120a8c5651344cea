using System.Globalization;
using System.Text;

namespace Gateway.Storage;

/// <summary>
/// Ends that a store elsewhere has not taken yet, in a file of the gateway's own: a sign-out that was acknowledged outlives this process, too.
/// Each line is a hash that opens nothing.
/// </summary>
internal sealed class PendingRevocationFile(string directory)
{
    public const string FileName = "ends-to-tell";

    /// <summary>Lines that a later one repeats; beyond this many the file is written anew without them.</summary>
    private const int MostRepeated = 1000;

    /// <summary>No end stands for longer.</summary>
    private static readonly TimeSpan LongestKept = TimeSpan.FromDays(30);

    private readonly Lock _writing = new();
    private readonly string _path = Path.Combine(directory, FileName);
    private readonly Dictionary<string, string> _lines = new(StringComparer.OrdinalIgnoreCase);
    private int _written;
    private bool _isEmpty;

    /// <summary>Notes the end of one session.</summary>
    /// <param name="atOnce">Whether it must outlive the machine, too; else it outlives this process.</param>
    /// <returns>False where the file cannot be written: the end then lives as long as this process.</returns>
    public bool Note(byte[] key, bool atOnce = true) => Append(Convert.ToHexStringLower(key), "", atOnce);

    /// <summary>Notes the end of a whole `sid` or person.</summary>
    public bool Note(string index, DateTimeOffset at, TimeSpan kept) =>
        Append(index, string.Create(CultureInfo.InvariantCulture, $" {at.ToUnixTimeMilliseconds()} {(long)kept.TotalMilliseconds}"), atOnce: true);

    /// <summary>What an earlier process left behind; a line that was not written to its end, or that nobody can read, is none.</summary>
    public (IReadOnlyList<byte[]> Keys, IReadOnlyList<(string Index, DateTimeOffset At, TimeSpan Kept)> Indexes) Read()
    {
        List<byte[]> keys = [];
        List<(string, DateTimeOffset, TimeSpan)> indexes = [];
        lock (_writing)
        {
            foreach (string line in File.Exists(_path) ? File.ReadLines(_path) : [])
            {
                string[] words = line.Split(' ');
                if (words[0].Length != 64 || !words[0].All(char.IsAsciiHexDigit))
                {
                    continue;
                }

                if (words.Length == 1)
                {
                    keys.Add(Convert.FromHexString(words[0]));
                    _lines[words[0]] = line;
                }
                else if (words.Length == 3 && StoredTime.OfMilliseconds(words[1]) is { } at && Kept(words[2]) is { } kept)
                {
                    indexes.Add((words[0].ToUpperInvariant(), at, kept));
                    _lines[words[0]] = line;
                }
            }

            _written = keys.Count + indexes.Count;
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
                File.Delete(_path);
                _lines.Clear();
                _written = 0;
                _isEmpty = true;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // What is told twice does no harm.
            }
        }
    }

    private static TimeSpan? Kept(string text) =>
        long.TryParse(text, CultureInfo.InvariantCulture, out long milliseconds) && milliseconds >= 0 && milliseconds <= LongestKept.TotalMilliseconds
            ? TimeSpan.FromMilliseconds(milliseconds)
            : null;

    private bool Append(string name, string rest, bool atOnce)
    {
        lock (_writing)
        {
            try
            {
                _isEmpty = false;
                _lines[name] = name + rest;
                if (_written >= (2 * _lines.Count) + MostRepeated)
                {
                    WriteAnew();
                    return true;
                }

                // A line before it may have been cut off.
                using FileStream file = PrivateFile.Open(_path, FileMode.Append);
                file.Write(Encoding.ASCII.GetBytes($"\n{name}{rest}\n"));
                file.Flush(flushToDisk: atOnce);
                _written++;
                return true;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    /// <summary>Each end once, in a new file that takes the place of the old one whole.</summary>
    private void WriteAnew()
    {
        string anew = _path + ".new";
        using (FileStream file = PrivateFile.Open(anew, FileMode.Create))
        {
            file.Write(Encoding.ASCII.GetBytes(string.Concat(_lines.Values.Select(line => line + "\n"))));
            file.Flush(flushToDisk: true);
        }

        File.Move(anew, _path, overwrite: true);
        _written = _lines.Count;
    }
}
