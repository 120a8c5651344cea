using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;

namespace Gateway.Settings;

/// <summary>Reads single variables, or the files that `NAME_FILE` names, and collects the problems.</summary>
internal sealed class Variables(IConfiguration configuration)
{
    /// <summary>Of the file that holds a value.</summary>
    public const int MaxFileBytes = 256 * 1024;

    /// <summary>Ten years, in seconds.</summary>
    private const double MaxDurationSeconds = 10 * 365 * 86400.0;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<SettingsProblem> _problems = [];
    private readonly List<string> _warnings = [];
    private readonly HashSet<string> _placeholders = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, string?> _read = new(StringComparer.OrdinalIgnoreCase);

    public IReadOnlyList<SettingsProblem> Problems => _problems;

    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>All names that have been read so far.</summary>
    public IReadOnlySet<string> Known => _read.Keys.ToHashSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether the value is in a file that cannot be read. A message that the variable is not set would be misleading.</summary>
    public bool IsUnreadable(string name) => Text(name) is null && _problems.Any(problem => problem.Variable == name + "_FILE");

    /// <summary>The variable that holds the value: <paramref name="name"/>, or the one that names its file.</summary>
    public string Source(string name) => NullIfBlank(configuration[name + "_FILE"]) is null ? name : name + "_FILE";

    /// <summary>The file that `NAME_FILE` names; null if there is none.</summary>
    public SecretFile? FileOf(string name) => NullIfBlank(configuration[name + "_FILE"]) is { } path ? new SecretFile(name, path) : null;

    /// <summary>Adds a problem, once even if the variable is read several times. A placeholder is the only problem of its variable.</summary>
    public void Problem(string variable, string wrong, string remedy)
    {
        if (_placeholders.Contains(variable))
        {
            return;
        }

        SettingsProblem problem = new(variable, wrong, remedy);
        if (!_problems.Contains(problem))
        {
            _problems.Add(problem);
        }
    }

    public void Warn(string warning)
    {
        if (!_warnings.Contains(warning))
        {
            _warnings.Add(warning);
        }
    }

    /// <summary>The value without surrounding spaces and quotes; null if it is unset or empty.</summary>
    public string? Text(string name)
    {
        if (_read.TryGetValue(name, out string? known))
        {
            return known;
        }

        string? value = NullIfBlank(configuration[name]);
        string? file = NullIfBlank(configuration[name + "_FILE"]);
        if (value is not null && file is not null)
        {
            Problem(name, $"both {name} and {name}_FILE are set.", "Remove one of them.");
        }
        else if (file is not null)
        {
            value = ReadFile(name, file);
        }

        value = value is null ? null : NullIfBlank(WithoutQuotes(name, value));
        bool isJson = value is ['{', not '{', ..];
        if (value is not null && !isJson && Placeholder.Find(value) is { } placeholder)
        {
            ReportPlaceholder(name, "the value", placeholder);
            _placeholders.Add(name);
        }

        return _read[name] = value;
    }

    /// <param name="place">The value, or the place in it.</param>
    public void ReportPlaceholder(string name, string place, string placeholder) =>
        Problem(name, $"{place} still holds a placeholder ({placeholder}).", "Write the real value in its place.");

    /// <summary>Booleans in the spellings of Paperless, and also `on` and `off`.</summary>
    public bool Flag(string name, bool fallback = false)
    {
        switch (Text(name)?.ToUpperInvariant())
        {
            case null:
                return fallback;
            case "TRUE" or "1" or "YES" or "T" or "Y":
                return true;
            case "FALSE" or "0" or "NO" or "F" or "N":
                return false;
            case "ON" or "OFF" when !IsPaperlessVariable(name):
                return Text(name)!.Equals("on", StringComparison.OrdinalIgnoreCase);
            case "ON" or "OFF":
                Warn($"{name}: Paperless itself does not understand \"on\" and \"off\"; write true or false.");
                return Text(name)!.Equals("on", StringComparison.OrdinalIgnoreCase);
            default:
                return ReportProblem(name, "is neither true nor false.", "Write true or false.", fallback);
        }
    }

    /// <summary>A list separated by commas. A list with commas and no entry is a problem: it must not mean "no restriction".</summary>
    public ImmutableArray<string> List(string name)
    {
        if (Text(name) is not { } text)
        {
            return [];
        }

        ImmutableArray<string> parts = [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(part => WithoutQuotes(name, part))];
        foreach (string placeholder in parts.Select(Placeholder.Find).OfType<string>())
        {
            ReportPlaceholder(name, "the list", placeholder);
        }

        return parts.IsEmpty
            ? ReportProblem(name, "holds commas and no entry.", "Write the entries with commas between them, or remove the variable.", parts)
            : parts;
    }

    /// <summary>`90s`, `5m`, `24h`, `7d`; a bare number is seconds, as in Paperless, which people who mean hours do not expect.</summary>
    public TimeSpan Duration(string name, TimeSpan fallback)
    {
        if (Text(name) is not { } text)
        {
            return fallback;
        }

        bool isDuration = TryReadDuration(text, out TimeSpan duration);
        if (isDuration && !HasUnit(text) && !IsPaperlessVariable(name))
        {
            Warn($"{name}: {text} has no unit and means {text} seconds. Write {text}s, or the unit that you mean, such as 30m or 24h.");
        }

        return isDuration
            ? duration
            : ReportProblem(name, $"\"{text}\" is not a duration.", "Write a whole number above zero with s, m, h or d, such as 24h.", fallback);
    }

    /// <summary>A duration in the words of <see cref="Duration"/>.</summary>
    public static bool TryReadDuration(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (text.Length == 0)
        {
            return false;
        }

        double unit = char.ToLowerInvariant(text[^1]) switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86400, _ => 0 };
        string number = unit == 0 ? text : text[..^1].TrimEnd();
        if (!long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long amount) || amount * Math.Max(unit, 1) <= 0)
        {
            return false;
        }

        // People write 999999999 for "forever". The expiry of a cookie and timers cannot be that long.
        duration = TimeSpan.FromSeconds(Math.Min(amount * Math.Max(unit, 1), MaxDurationSeconds));
        return true;
    }

    /// <summary>Whether a duration names its unit. A bare number is seconds.</summary>
    public static bool HasUnit(string duration) => !char.IsAsciiDigit(duration[^1]);

    /// <summary>The values that switch off what has a duration or a number otherwise.</summary>
    public static bool IsOff(string text) => text == "0" || text.Equals("off", StringComparison.OrdinalIgnoreCase);

    public Uri? HttpUrl(string name) => Text(name) is { } text ? HttpUrl(name, text) : null;

    public Uri? HttpUrl(string name, string text)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https" && url!.Host.Length > 0)
        {
            return url.UserInfo.Length == 0 && url.Fragment.Length == 0
                ? url
                : ReportProblem<Uri?>(name, "holds a user name or a fragment.", "Write scheme, host and path only.", null);
        }

        // The text before an @ may be a password.
        string shown = text.Contains('@', StringComparison.Ordinal) ? "its value" : $"\"{text}\"";
        return ReportProblem<Uri?>(name, $"{shown} is not a full address.", "Write it with http:// or https:// and a host.", null);
    }

    public ImmutableArray<IPNetwork> Networks(string name)
    {
        ImmutableArray<string> texts = List(name);
        if (texts.IsEmpty)
        {
            return [];
        }

        ImmutableArray<IPNetwork>.Builder networks = ImmutableArray.CreateBuilder<IPNetwork>();
        foreach (string text in texts)
        {
            if (IPNetwork.TryParse(text, out IPNetwork network))
            {
                networks.Add(network);
            }
            else if (IPAddress.TryParse(text, out IPAddress? address))
            {
                networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            }
            else
            {
                Problem(
                    name,
                    $"\"{text}\" is neither an IP address nor a network.",
                    "Write addresses such as 10.0.0.7 or networks such as 10.0.0.0/8, comma-separated. Host names are not accepted.");
            }
        }

        return networks.ToImmutable();
    }

    /// <summary>Messages quote neither the value nor the path, because people write the secret in place of the path.</summary>
    private string? ReadFile(string name, string file)
    {
        try
        {
            if (BoundedFile.Read(file, MaxFileBytes) is not { } bytes)
            {
                return ReportProblem<string?>(
                    name + "_FILE",
                    $"the file is larger than {MaxFileBytes / 1024} KiB.",
                    "Name the file that holds the value alone.",
                    null);
            }

            using StreamReader text = new(new MemoryStream(bytes), StrictUtf8);
            return NullIfBlank(text.ReadToEnd())
                ?? ReportProblem<string?>(name + "_FILE", "the file is empty.", "Write the value into it, or remove the variable.", null);
        }
        catch (DecoderFallbackException)
        {
            Problem(name + "_FILE", "the file is not UTF-8 text.", "Save it as UTF-8.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            Problem(
                name + "_FILE",
                $"the file that it names cannot be read ({error.GetType().Name}).",
                "Write the file's path, and let the gateway's user read it.");
        }

        return null;
    }

    /// <summary>Removes quotes around the value. Compose and shells remove them, but `docker run --env-file` keeps them.</summary>
    private string WithoutQuotes(string name, string text)
    {
        if (text.Length < 2 || text[0] is not ('\'' or '"') || text[^1] != text[0])
        {
            return text;
        }

        // "a","b" is a list of two quoted entries. A JSON object contains quotes and may still be quoted as a whole.
        string inner = text[1..^1].Trim();
        if (inner.Contains(text[0], StringComparison.Ordinal) && !inner.StartsWith('{'))
        {
            return text;
        }

        Warn($"{name}: the value stands in quotes; the gateway takes them away{(IsPaperlessVariable(name) ? ", Paperless may not" : "")}.");
        return inner;
    }

    private static bool IsPaperlessVariable(string name) => name.StartsWith("PAPERLESS_", StringComparison.Ordinal);

    private T ReportProblem<T>(string name, string wrong, string remedy, T fallback)
    {
        Problem(name, wrong, remedy);
        return fallback;
    }

    private static string? NullIfBlank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
