using System.Xml.Linq;
using Gateway.Settings;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace Gateway.Storage;

/// <summary>The data-protection keys as files in the data directory. Only the gateway's user may read them.</summary>
internal sealed class KeyFiles(StorageSettings settings, ILogger<KeyFiles> logger) : IXmlRepository
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
        string temporary = Path.Combine(_directory, Guid.NewGuid().ToString("N") + ".tmp");
        try
        {
            using (FileStream file = PrivateFile.Open(temporary, FileMode.CreateNew))
            {
                element.Save(file);
                file.Flush(flushToDisk: true);
            }

            // A rename is atomic: readers never see half a key.
            File.Move(temporary, Path.Combine(_directory, name + ".xml"), overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
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
            // The gateway has no permission to read the file. It is reported below.
        }

        if (element is null)
        {
            _unreadable.Report("data-protection key file", Path.GetFileNameWithoutExtension(path).Replace("key-", "", StringComparison.Ordinal));
        }

        return element;
    }
}
