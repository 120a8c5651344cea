using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace Gateway.Storage;

/// <summary>One element of the data-protection key ring, read so that a broken one does not stop the others.</summary>
internal static class KeyElement
{
    /// <returns>Null where it is no element, or one at which data protection would give up on all of them.</returns>
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

    /// <summary>Data protection leaves out a key that it cannot read, but throws at a revocation. The gateway itself never writes one.</summary>
    private static bool IsRevocation(XElement element) =>
        (string?)element.Attribute("version") == "1"
        && DateTimeOffset.TryParse((string?)element.Element("revocationDate"), CultureInfo.InvariantCulture, out _)
        && (string?)element.Element("key")?.Attribute("id") is { } id
        && (id == "*" || Guid.TryParse(id, out _));
}
