using System.Globalization;
using System.Text;

namespace Gateway.Tests.Attacks;

/// <summary>Header lines that some server might take for one that says who is there, or where a request comes from.</summary>
internal static class HeaderSpellings
{
    private static readonly string[] Identity =
    [
        "Remote-User", "X-Forwarded-User", "X-Remote-User", "X-Auth-Request-User", "X-authentik-username", "Remote-Groups",
    ];

    public static readonly string[] Forwarding =
    [
        "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Uri", "X-Forwarded-Ssl", "Forwarded",
        "X-Real-IP", "True-Client-IP", "X-Original-URL", "X-Script-Name",
    ];

    /// <summary>What stands in the place of a hyphen.</summary>
    private static readonly string[] Separators =
    [
        "_", ".", " ", "\t", "", "--", "-_", "_-", "+", "~", "*", "'", "|", "!", "#", "$", "%", "&", "^", "`", "\u0000", "\u000b", "\u00a0",
        "\u00ad", "%2d", "%5f", "\u00e2\u0080\u0090", "\u00ef\u00bc\u008d", "\r\n -", ":-",
    ];

    private static readonly string[] Values =
    [
        "admin", "", "admin,alice", "admin, alice", "\u00e4dmin", "\u00c3\u00a4dmin", "\"admin\"", "admin\t", "=?utf-8?q?admin?=", "%61dmin",
        "admin\r\nRemote-User: admin", "admin\nRemote-User: admin", "admin\rRemote-User: admin", "a\u0000b",
    ];

    /// <param name="name">The header that names the user, as it is set up.</param>
    /// <param name="all">Also the names of other identity headers and of forwarding headers.</param>
    public static IReadOnlyList<string> Lines(string name, bool all)
    {
        List<string> lines = [];
        foreach (string one in all ? Identity.Concat(Forwarding).Prepend(name).Distinct() : [name])
        {
            lines.AddRange(Names(one).Select(spelled => $"{spelled}: admin"));
        }

        foreach (string one in all ? ["Remote-User", "X-Forwarded-For", name] : new[] { name, name.Replace('-', '_'), name.Replace('-', '.') })
        {
            lines.AddRange(Values.Select(value => $"{one}: {value}"));
            lines.AddRange(Values.Select(value => $"{one}:{value}"));
            lines.AddRange(Lists(one));
        }

        return [.. lines.Distinct()];
    }

    private static IEnumerable<string> Names(string name)
    {
        yield return name;
        yield return name.ToLowerInvariant();
        yield return name.ToUpperInvariant();
        yield return new string([.. name.Select((letter, at) => at % 2 == 0 ? char.ToUpperInvariant(letter) : char.ToLowerInvariant(letter))]);
        string meta = name.ToUpperInvariant().Replace('-', '_');
        foreach (string affixed in new[]
        {
            meta, "HTTP_" + meta, "HTTP-" + name, "http_" + meta.ToLowerInvariant(), "X-" + name, "_" + name, "-" + name, name + "_", name + "-",
            name + " ", name + "\t", name + ":", name + "\u0000", " " + name, "\t" + name, name + ";", "\"" + name + "\"",
        })
        {
            yield return affixed;
        }

        foreach (string separator in Separators)
        {
            int first = name.IndexOf('-', StringComparison.Ordinal);
            yield return name.Replace("-", separator, StringComparison.Ordinal);
            if (first != name.LastIndexOf('-'))
            {
                yield return name[..first] + separator + name[(first + 1)..];
            }
        }

        // Letters whose capital is plain ASCII to one language and not to another, as UTF-8 bytes and as Latin-1.
        foreach ((string letter, string other) in new[]
        {
            ("s", "\u017f"), ("k", "\u212a"), ("i", "\u0131"), ("e", "\uff45"), ("o", "\u043e"), ("ss", "\u00df"), ("r", "r\u200b"),
            ("u", "u\u0308"),
        })
        {
            if (name.Contains(letter, StringComparison.OrdinalIgnoreCase))
            {
                string replaced = name.ToLowerInvariant().Replace(letter, other, StringComparison.Ordinal);
                yield return Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(replaced));
                yield return replaced.All(character => character < '\u0100') ? replaced : name;
            }
        }
    }

    private static IEnumerable<string> Lists(string name) =>
    [
        $"{name}: admin\r\n{name}: admin", $"{name}: alice\r\n{name}: admin", $"{name}: admin\r\n{name.Replace('-', '_')}: admin",
        $"Connection: {name}", $"Connection: close, {name}\r\n{name}: admin",
        $"Connection: keep-alive, {name}\r\n{name}: admin", $"Connection: {name.ToLower(CultureInfo.InvariantCulture)}",
        $"Connection: X-Forwarded-For, {name}", $"Connection: {name}\r\nConnection: {name}", $"Keep-Alive: {name}",
        $"Trailer: {name}", $"Proxy-Connection: {name}", $"X-Nothing: y\r\n {name}: admin", $"X-Nothing: y\n{name}: admin",
        $"X-Nothing: y\r{name}: admin", $"X-Nothing: y\r\n\t{name}: admin", $"{name}:\r\n admin", name, $": {name}",
    ];
}
