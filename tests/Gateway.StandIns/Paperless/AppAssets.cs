using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Gateway.StandIns.Paperless;

/// <summary>
/// The rest of a single-page app: parts, styles, icons and fonts in about the number and the sizes of Paperless's own, with names that hold
/// a hash and names that do not. Their text is made up, the same at every start, and compresses about as well as the real ones.
/// </summary>
internal static class AppAssets
{
    private const string Folder = "frontend/en-US/";
    private const string Javascript = "text/javascript; charset=\"utf-8\"";
    private const string Css = "text/css; charset=\"utf-8\"";

    private static readonly (string Name, int Bytes)[] Scripts =
    [
        ("main-5XJ2QK7B.js", 620_000), ("vendor.js", 240_000), ("runtime.js", 3_000), ("scripts.4f0c2d9a1b7e.js", 18_000),
        .. Enumerable.Range(0, 18).Select(number => ($"chunk-{Base32(number)}.js", 4_000 + (number * number * 250))),
    ];

    private static readonly (string Name, int Bytes)[] Sheets =
        [("bootstrap.a91be04c77d2.css", 190_000), ("theme-dark.css", 24_000), ("print.css", 1_800), ("icons-XK4T2MPA.css", 80_000)];

    private static readonly string[] Icons = [.. Enumerable.Range(0, 10).Select(number => $"assets/icon-{number}.svg")];

    private static readonly (string Name, int Bytes)[] Fonts = [("media/bootstrap-icons-QZ3W7LME.woff2", 130_000), ("media/inter.woff2", 48_000)];

    private static readonly Lazy<FrozenDictionary<string, StaticFile>> Made = new(Make);

    public static FrozenDictionary<string, StaticFile> Files => Made.Value;

    /// <summary>For the front page's head and body; every file is asked for once, and all before its load event.</summary>
    public static string Head { get; } = string.Concat(
    [
        .. Sheets.Select(sheet => $"<link rel=\"stylesheet\" href=\"static/{Folder}{sheet.Name}\">\n"),
        .. Scripts.Select(script => $"<script src=\"static/{Folder}{script.Name}\" defer></script>\n"),
    ]);

    public static string Body { get; }
        = $"<p aria-hidden=\"true\">{string.Concat(Icons.Select(icon => $"<img src=\"static/{Folder}{icon}\" width=\"16\" height=\"16\" alt=\"\">"))}"
        + string.Concat(Fonts.Select((_, number) => $"<span style=\"font-family: font-{number}\">\u00b7</span>")) + "</p>\n";

    private static FrozenDictionary<string, StaticFile> Make()
    {
        Dictionary<string, StaticFile> files = [];
        foreach ((string name, int bytes) in Scripts)
        {
            files[Folder + name] = StaticFile.Of(Javascript, Script(name, bytes));
        }

        foreach ((string name, int bytes) in Sheets)
        {
            files[Folder + name] = StaticFile.Of(Css, Sheet(name, bytes));
        }

        foreach (string name in Icons)
        {
            files[Folder + name] = StaticFile.Of("image/svg+xml", Icon(name));
        }

        foreach ((string name, int bytes) in Fonts)
        {
            files[Folder + name] = new StaticFile("font/woff2", Font(name, bytes));
        }

        return files.ToFrozenDictionary();
    }

    /// <summary>The text of a script that does nothing: classes that nobody uses.</summary>
    public static string Script(string name, int bytes)
    {
        Words words = new(name);
        StringBuilder text = new("(()=>{\"use strict\";");
        while (text.Length < bytes)
        {
            string method = words.Next();
            text.Append(CultureInfo.InvariantCulture, $"class {words.Next()}{words.Number()}{{constructor(e,t){{this.{words.Next()}=e,this.{words.Next()}=t}}"
                + $"{method}(e){{return e.{words.Next()}?this.{words.Next()}.{words.Next()}(e=>e.{words.Next()}==="
                + $"\"{words.Next()}-{words.Next()}\"):{words.Number()}}}}}");
        }

        return text.Append("})();\n").ToString();
    }

    /// <summary>Rules that fit no element.</summary>
    public static string Sheet(string name, int bytes)
    {
        Words words = new(name);
        StringBuilder text = new();
        if (name.StartsWith("icons", StringComparison.Ordinal))
        {
            for (int number = 0; number < Fonts.Length; number++)
            {
                text.Append(CultureInfo.InvariantCulture, $"@font-face{{font-family:\"font-{number}\";src:url(\"{Fonts[number].Name}\") format(\"woff2\")}}");
            }
        }

        while (text.Length < bytes)
        {
            text.Append(CultureInfo.InvariantCulture, $".{words.Next()}-{words.Next()}-{words.Number()}{{padding:{words.Number() % 64}px;margin:0 "
                + $"{words.Number() % 64}px;color:#{words.Number():x6};border-radius:.{words.Number() % 9}rem}}");
        }

        return text.Append('\n').ToString();
    }

    private static string Icon(string name)
    {
        Words words = new(name);
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 99 99\"><path "
            + $"d=\"M{string.Join(' ', Enumerable.Range(0, 250).Select(_ => $"{words.Number() % 99} {words.Number() % 99}"))}z\"/></svg>";
    }

    /// <summary>As a font file compresses, which is not at all; no browser can draw with it.</summary>
    private static byte[] Font(string name, int bytes)
    {
        Words words = new(name);
        byte[] font = new byte[bytes];
        for (int at = 0; at < bytes; at++)
        {
            font[at] = (byte)(words.Number() >> 8);
        }

        "wOF2"u8.CopyTo(font);
        return font;
    }

    private static string Base32(int number)
    {
        const string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        Words words = new("chunk" + number.ToString(CultureInfo.InvariantCulture));
        return string.Concat(Enumerable.Range(0, 8).Select(_ => letters[(words.Number() >> 8) % letters.Length]));
    }

    /// <summary>Words and numbers by a fixed rule, so that every start makes the same files.</summary>
    private sealed class Words(string seed)
    {
        private static readonly string[] Known = ("document tag type owner path view filter select update field value index service query result total "
            + "page size sort group user note task date title custom share mail rule account workflow trigger action match content archive original "
            + "preview thumb settings permission toast modal router inject signal effect template render subscribe pipe "
            + "observable request response").Split(' ');

        private uint _state = seed.Aggregate(2166136261, (hash, letter) => (hash ^ letter) * 16777619);

        public int Number()
        {
            _state = (_state * 1664525) + 1013904223;
            return (int)(_state >> 8);
        }

        public string Next()
        {
            int number = Number() >> 4;
            return number % 4 == 0 ? Known[number % Known.Length] + (number % 1000).ToString(CultureInfo.InvariantCulture) : Known[number % Known.Length];
        }
    }
}
