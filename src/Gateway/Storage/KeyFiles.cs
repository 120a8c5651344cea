using System.Xml.Linq;
using Gateway.Settings;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace Gateway.Storage;

/// <summary>The data-protection keys as files of the data directory, each for the gateway's own user alone.</summary>
internal sealed class KeyFiles(GatewaySettings settings, ILogger<KeyFiles> logger) : IXmlRepository
{
    private readonly string _directory = Path.Combine(settings.DataDirectory, StorageFeature.KeysDirectory);
    private readonly UnreadableEntries _unreadable = new(logger);

    public IReadOnlyCollection<XElement> GetAllElements() =>
        Directory.Exists(_directory) ? [.. Directory.EnumerateFiles(_directory, "*.xml").Select(Read).OfType<XElement>()] : [];

    public void StoreElement(XElement element, string friendlyName)
    {
        PrivateDirectory.Create(_directory);
        bool isName = friendlyName.Length > 0 && friendlyName.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_');
        string name = isName ? friendlyName : Guid.NewGuid().ToString();
        string half = Path.Combine(_directory, Guid.NewGuid().ToString("N") + ".tmp");
        try
        {
            using (FileStream file = PrivateFile.Open(half, FileMode.CreateNew))
            {
                element.Save(file);
                file.Flush(flushToDisk: true);
            }

            // Whole or not at all.
            File.Move(half, Path.Combine(_directory, name + ".xml"), overwrite: true);
        }
        catch
        {
            File.Delete(half);
            throw;
        }
    }

    private XElement? Read(string path)
    {
        XElement? element = null;
        try
        {
            using StreamReader text = new(path);
            element = KeyElement.TryRead(text);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Not the gateway's to read.
        }

        if (element is null)
        {
            _unreadable.Report("data-protection key file", Path.GetFileNameWithoutExtension(path).Replace("key-", "", StringComparison.Ordinal));
        }

        return element;
    }
}
