using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Gateway.Tests.Languages;

/// <param name="Text">What stands on the pages.</param>
/// <param name="Comment">In the English file: where the text stands, for translators. In another: <see cref="SameAsEnglish"/>.</param>
internal sealed record TextEntry(string Key, string Text, string? Comment)
{
    public const string SameAsEnglish = "The same as in English.";
}

/// <summary>A `Texts….resx`: the texts of the pages in one language.</summary>
internal sealed class TextFile
{
    public static readonly string Folder = Path.Combine(Repository.Root, "src", "Gateway", "Pages");

    /// <summary>The reader and the writer that the format names; tools want them.</summary>
    private const string Types = "System.Windows.Forms, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089";

    private readonly string _path;

    private TextFile(string path)
    {
        _path = path;
        Entries = XDocument.Load(path).Root!.Elements("data")
            .Select(data => new TextEntry(data.Attribute("name")!.Value, data.Element("value")!.Value, data.Element("comment")?.Value))
            .ToList();
    }

    /// <summary>"de"; empty for the English file.</summary>
    public string Language => Path.GetExtension(Path.GetFileNameWithoutExtension(_path)).TrimStart('.');

    public IReadOnlyList<TextEntry> Entries { get; private set; }

    public static TextFile English => new(Path.Combine(Folder, "Texts.resx"));

    public static IReadOnlyList<TextFile> Translations =>
        [.. Directory.EnumerateFiles(Folder, "Texts.*.resx").Order(StringComparer.Ordinal).Select(path => new TextFile(path))];

    /// <summary>Writes all keys in order: those that are new in English, and without those that nothing uses.</summary>
    public void Update(IReadOnlyDictionary<string, SortedSet<string>> keys)
    {
        Dictionary<string, TextEntry> known = Entries.DistinctBy(entry => entry.Key).ToDictionary(entry => entry.Key);
        Entries = [.. keys.Keys.Order(StringComparer.Ordinal).Select(key => Language.Length == 0
            ? new TextEntry(key, key, string.Join(", ", keys[key]))
            : known.GetValueOrDefault(key, new TextEntry(key, key, null)))];
        using XmlWriter writer = XmlWriter.Create(_path, new XmlWriterSettings { Indent = true, NewLineChars = "\n", Encoding = new UTF8Encoding(false) });
        new XDocument(new XElement(
            "root",
            Header("resmimetype", "text/microsoft-resx"),
            Header("version", "2.0"),
            Header("reader", "System.Resources.ResXResourceReader, " + Types),
            Header("writer", "System.Resources.ResXResourceWriter, " + Types),
            Entries.Select(entry => new XElement(
                "data",
                new XAttribute("name", entry.Key),
                new XAttribute(XNamespace.Xml + "space", "preserve"),
                new XElement("value", entry.Text),
                entry.Comment is null ? null : new XElement("comment", entry.Comment))))).Save(writer);
    }

    public override string ToString() => Path.GetFileName(_path);

    private static XElement Header(string name, string value) => new("resheader", new XAttribute("name", name), new XElement("value", value));
}
