using System.Collections.Immutable;
using System.Globalization;
using System.Net;

namespace Gateway.Settings;

/// <summary>Reads single variables, each by its name or from the file that `NAME_FILE` names, and gathers what is wrong with them.</summary>
internal sealed class Variables(IConfiguration configuration)
{
    private const int LargestFile = 256 * 1024;

    private readonly List<SettingsProblem> _problems = [];
    private readonly List<string> _warnings = [];
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    public IReadOnlyList<SettingsProblem> Problems => _problems;

    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>Every name that was asked for so far.</summary>
    public IReadOnlySet<string> Known => _known;

    public void Problem(string variable, string wrong, string remedy) => _problems.Add(new(variable, wrong, remedy));

    public void Warn(string warning) => _warnings.Add(warning);

    /// <summary>The value without space around it; null where it is unset or empty.</summary>
    public string? Text(string name)
    {
        _known.Add(name);
        string? value = NullIfBlank(configuration[name]);
        string? file = NullIfBlank(configuration[name + "_FILE"]);
        if (file is null)
        {
            return value;
        }

        if (value is not null)
        {
            Problem(name, $"both {name} and {name}_FILE are set.", "Remove one of them.");
            return value;
        }

        return FromFile(name, file);
    }

    /// <summary>Booleans as Paperless reads them.</summary>
    public bool Flag(string name, bool otherwise = false) => Text(name)?.ToUpperInvariant() switch
    {
        null => otherwise,
        "TRUE" or "1" or "YES" or "ON" or "T" or "Y" => true,
        "FALSE" or "0" or "NO" or "OFF" or "F" or "N" => false,
        _ => Wrong(name, "is neither true nor false.", "Write true or false.", otherwise),
    };

    public ImmutableArray<string> List(string name) =>
        Text(name) is { } text
            ? [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)]
            : [];

    /// <summary>`90s`, `5m`, `24h`, `7d`; a bare number is seconds, as in Paperless.</summary>
    public TimeSpan Duration(string name, TimeSpan otherwise)
    {
        if (Text(name) is not { } text)
        {
            return otherwise;
        }

        double unit = char.ToLowerInvariant(text[^1]) switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86400, _ => 0 };
        string number = unit == 0 ? text : text[..^1].TrimEnd();
        if (long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long amount)
            && amount * Math.Max(unit, 1) is > 0 and <= 10 * 365 * 86400.0)
        {
            return TimeSpan.FromSeconds(amount * Math.Max(unit, 1));
        }

        return Wrong(name, $"\"{text}\" is not a duration.", "Write a whole number with s, m, h or d, such as 24h.", otherwise);
    }

    public Uri? HttpUrl(string name) => Text(name) is { } text ? HttpUrl(name, text) : null;

    public Uri? HttpUrl(string name, string text)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https" && url!.Host.Length > 0)
        {
            return url.UserInfo.Length == 0 && url.Fragment.Length == 0
                ? url
                : Wrong<Uri?>(name, "holds a user name or a fragment.", "Write scheme, host and path only.", null);
        }

        return Wrong<Uri?>(name, $"\"{text}\" is not a full address.", "Write it with http:// or https:// and a host.", null);
    }

    public ImmutableArray<IPNetwork> Networks(string name)
    {
        ImmutableArray<IPNetwork>.Builder networks = ImmutableArray.CreateBuilder<IPNetwork>();
        foreach (string text in List(name))
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
                Problem(name, $"\"{text}\" is neither an IP address nor a network.", "Write addresses such as 10.0.0.7 or networks such as 10.0.0.0/8 (the address with all host bits zero), comma-separated.");
            }
        }

        return networks.ToImmutable();
    }

    private string? FromFile(string name, string file)
    {
        try
        {
            FileInfo info = new(file);
            if (info.Length <= LargestFile)
            {
                return NullIfBlank(File.ReadAllText(file));
            }

            Problem(name + "_FILE", $"the file is larger than {LargestFile / 1024} KiB.", "Name the file that holds the value alone.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            Problem(name + "_FILE", $"the file \"{file}\" cannot be read ({error.GetType().Name}).", "Check the path and that the gateway's user may read it.");
        }

        return null;
    }

    private T Wrong<T>(string name, string wrong, string remedy, T otherwise)
    {
        Problem(name, wrong, remedy);
        return otherwise;
    }

    private static string? NullIfBlank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
