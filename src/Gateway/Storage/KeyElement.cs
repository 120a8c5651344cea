using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace Gateway.Storage;

/// <summary>Parses an element of the data-protection key ring. A broken element must not make the other keys unusable.</summary>
internal static class KeyElement
{
    /// <returns>Null if the text is no element, or an element that would make data protection reject all keys.</returns>
    public static XElement? TryRead(TextReader text)
    {
        try
        {
            using XmlReader reader = XmlReader.Create(text, new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
            XElement element = XElement.Load(reader);
            return element.Name.LocalName != "revocation" || IsRevocation(element) ? element : null;
        }
        catch (Exception error) when (error is XmlException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Data protection ignores a broken key, but throws at a broken revocation. The gateway never writes a revocation of a key.</summary>
    private static bool IsRevocation(XElement element) =>
        (string?)element.Attribute("version") == "1"
        && DateTimeOffset.TryParse((string?)element.Element("revocationDate"), CultureInfo.InvariantCulture, out _)
        && (string?)element.Element("key")?.Attribute("id") is { } id
        && (id == "*" || Guid.TryParse(id, out _));
}
