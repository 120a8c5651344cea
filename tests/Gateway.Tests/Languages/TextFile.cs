using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Gateway.Tests.Languages;

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
            .Select(data => (Key: data.Attribute("name")!.Value, Text: data.Element("value")!.Value))
            .ToList();
    }

    /// <summary>"de"; empty for the English file.</summary>
    public string Language => Path.GetExtension(Path.GetFileNameWithoutExtension(_path)).TrimStart('.');

    public IReadOnlyList<(string Key, string Text)> Entries { get; private set; }

    public static TextFile English => new(Path.Combine(Folder, "Texts.resx"));

    public static IReadOnlyList<TextFile> Translations =>
        [.. Directory.EnumerateFiles(Folder, "Texts.*.resx").Order(StringComparer.Ordinal).Select(path => new TextFile(path))];

    /// <summary>Writes all keys in order: those that are new in English, and without those that nothing uses.</summary>
    /// <param name="comment">For translators: where the text stands.</param>
    public void Update(IEnumerable<string> keys, Func<string, string?> comment)
    {
        Dictionary<string, string> known = Entries.DistinctBy(entry => entry.Key).ToDictionary(entry => entry.Key, entry => entry.Text);
        Entries = [.. keys.Order(StringComparer.Ordinal).Select(key => (key, known.GetValueOrDefault(key, key)))];
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
                comment(entry.Key) is { } words ? new XElement("comment", words) : null)))).Save(writer);
    }

    public override string ToString() => Path.GetFileName(_path);

    private static XElement Header(string name, string value) => new("resheader", new XAttribute("name", name), new XElement("value", value));
}
