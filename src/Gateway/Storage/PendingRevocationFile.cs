using System.Globalization;
using System.Text;

namespace Gateway.Storage;

/// <summary>
/// A file of revocations that the store has not accepted yet, so that an acknowledged sign-out survives a restart. Each line is a hash that gives
/// no access, for a `sid` or person followed by the time and the TTL of the tombstone.
/// </summary>
internal sealed class PendingRevocationFile(string directory)
{
    public const string FileName = "ends-to-tell";

    /// <summary>The file is compacted when it has this many more lines than twice the number of revocations.</summary>
    private const int MaxRepeatedLines = 1000;

    /// <summary>A longer TTL is invalid: no tombstone is kept for longer.</summary>
    private static readonly TimeSpan MaxTtl = TimeSpan.FromDays(30);

    private readonly Lock _writing = new();
    private readonly string _path = Path.Combine(directory, FileName);
    private readonly Dictionary<string, string> _lines = new(StringComparer.OrdinalIgnoreCase);
    private int _written;
    private bool _isEmpty;

    /// <summary>Writes the end of one session to the file.</summary>
    /// <param name="flushToDisk">Whether to flush the disk, so that the line survives a power cut. Otherwise it survives only a restart of the process.</param>
    /// <returns>False if the file cannot be written: after a restart the session would be valid again.</returns>
    public bool Note(byte[] key, bool flushToDisk = true) => Append(Convert.ToHexStringLower(key), "", flushToDisk);

    /// <summary>Writes the revocation of a `sid` or person to the file.</summary>
    public bool Note(string index, DateTimeOffset at, TimeSpan ttl) =>
        Append(index, string.Create(CultureInfo.InvariantCulture, $" {at.ToUnixTimeMilliseconds()} {(long)ttl.TotalMilliseconds}"), flushToDisk: true);

    /// <summary>Appends the lines of one such file to another one, which is made where it is missing. A line may be there twice.</summary>
    public static void Append(string from, string to)
    {
        using FileStream target = PrivateFile.Open(to, FileMode.Append);
        using FileStream lines = File.OpenRead(from);
        target.WriteByte((byte)'\n');
        lines.CopyTo(target);
        target.Flush(flushToDisk: true);
    }

    /// <summary>Reads the revocations of an earlier process. Incomplete and invalid lines are ignored.</summary>
    public (IReadOnlyList<byte[]> Keys, IReadOnlyList<(string Index, DateTimeOffset At, TimeSpan Ttl)> Indexes) Read()
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
                else if (words.Length == 3 && StoredTime.FromMilliseconds(words[1]) is { } at && ParseTtl(words[2]) is { } ttl)
                {
                    indexes.Add((words[0].ToUpperInvariant(), at, ttl));
                    _lines[words[0]] = line;
                }
            }

            _written = keys.Count + indexes.Count;
        }

        return (keys, indexes);
    }

    /// <summary>Deletes the file if nothing is pending any more.</summary>
    public void ClearIf(Func<bool> isNothingPending)
    {
        lock (_writing)
        {
            if (_isEmpty || !isNothingPending())
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
                // Harmless: a revocation may be sent twice.
            }
        }
    }

    private static TimeSpan? ParseTtl(string text) =>
        long.TryParse(text, CultureInfo.InvariantCulture, out long milliseconds) && milliseconds >= 0 && milliseconds <= MaxTtl.TotalMilliseconds
            ? TimeSpan.FromMilliseconds(milliseconds)
            : null;

    private bool Append(string name, string rest, bool flushToDisk)
    {
        lock (_writing)
        {
            try
            {
                _isEmpty = false;
                _lines[name] = name + rest;
                if (_written >= (2 * _lines.Count) + MaxRepeatedLines)
                {
                    Compact();
                    return true;
                }

                // Begins with a line break, because the previous line may be incomplete.
                using FileStream file = PrivateFile.Open(_path, FileMode.Append);
                file.Write(Encoding.ASCII.GetBytes($"\n{name}{rest}\n"));
                file.Flush(flushToDisk: flushToDisk);
                _written++;
                return true;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    /// <summary>Writes each revocation once to a new file, which then replaces the old one.</summary>
    private void Compact()
    {
        string compacted = _path + ".new";
        using (FileStream file = PrivateFile.Open(compacted, FileMode.Create))
        {
            file.Write(Encoding.ASCII.GetBytes(string.Concat(_lines.Values.Select(line => line + "\n"))));
            file.Flush(flushToDisk: true);
        }

        File.Move(compacted, _path, overwrite: true);
        _written = _lines.Count;
    }
}
