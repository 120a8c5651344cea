using System.Collections.Immutable;
using System.Text;

namespace Gateway.Settings;

/// <summary>Reads how the pages of the gateway look.</summary>
internal sealed class AppearanceSettingsReader(Variables variables)
{
    private const int MaxTextLength = 1000;

    private const int MaxIconBytes = 64 * 1024;

    private static ReadOnlySpan<byte> PngSignature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    private const string IconsVariable = "GATEWAY_PROVIDER_ICONS";

    /// <param name="providers">The ids of the providers.</param>
    public AppearanceSettings Read(IReadOnlyCollection<string> providers) =>
        new(AppearanceSettings.CleanTitle(variables.Text("PAPERLESS_APP_TITLE")), Logo()) { SignInText = SignInText(), Icons = Icons(providers) };

    private string? Logo()
    {
        const string name = "PAPERLESS_APP_LOGO";
        string? path = variables.Text(name);
        string? logo = AppearanceSettings.CleanLogo(path);
        if (path is not null && logo is null)
        {
            variables.Warn($"{name}: Paperless shows everybody only files in its media directory \"logo\"; write /logo/ and the name of the file.");
        }

        return logo;
    }

    private string? SignInText()
    {
        const string name = "GATEWAY_SIGN_IN_TEXT";
        string? text = variables.Text(name)?.Replace("\r", "", StringComparison.Ordinal).Replace("\\n", "\n", StringComparison.Ordinal);
        if (text?.Length > MaxTextLength)
        {
            variables.Problem(name, $"has more than {MaxTextLength} characters.", "Shorten it.");
            return null;
        }

        return text is null ? null : new string([.. text.Where(letter => letter == '\n' || !char.IsControl(letter))]);
    }

    private ImmutableDictionary<string, ProviderIcon> Icons(IReadOnlyCollection<string> providers)
    {
        const string remedy = "Write provider_id=/path/of/the/file, comma-separated.";
        ImmutableDictionary<string, ProviderIcon>.Builder icons = ImmutableDictionary.CreateBuilder<string, ProviderIcon>();
        foreach (string entry in variables.List(IconsVariable))
        {
            string[] parts = entry.Split('=', 2, StringSplitOptions.TrimEntries);
            if (parts is not [{ Length: > 0 } provider, { Length: > 0 } file])
            {
                variables.Problem(IconsVariable, $"\"{entry}\" names no file.", remedy);
            }
            else if (!providers.Contains(provider))
            {
                variables.Problem(IconsVariable, $"there is no provider \"{provider}\".", remedy);
            }
            else if (Icon(file) is { } icon)
            {
                icons[provider] = icon;
            }
        }

        return icons.ToImmutable();
    }

    private ProviderIcon? Icon(string file)
    {
        try
        {
            if (BoundedFile.Read(file, MaxIconBytes) is not { } bytes)
            {
                variables.Problem(IconsVariable, $"{file} is larger than {MaxIconBytes / 1024} KiB.", "Use a smaller picture.");
                return null;
            }

            ProviderIcon? icon = Recognise(bytes);
            if (icon is null)
            {
                variables.Problem(IconsVariable, $"{file} is no PNG, WebP or SVG.", "Use a picture of one of these kinds.");
            }

            return icon;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            variables.Problem(
                IconsVariable,
                $"{file} cannot be read ({error.GetType().Name}).",
                "Write the file's path, and let the gateway's user read it.");
            return null;
        }
    }

    /// <summary>By the content: a browser is told what it is, and does not guess.</summary>
    private static ProviderIcon? Recognise(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith(PngSignature))
        {
            return new ProviderIcon([.. bytes], "image/png", "png");
        }

        if (bytes.Length > 12 && bytes.StartsWith("RIFF"u8) && bytes[8..].StartsWith("WEBP"u8))
        {
            return new ProviderIcon([.. bytes], "image/webp", "webp");
        }

        string begin = Encoding.UTF8.GetString(bytes[..Math.Min(bytes.Length, 2048)]).TrimStart('\uFEFF').TrimStart();
        bool isSvg = begin.StartsWith('<') && begin.Contains("<svg", StringComparison.OrdinalIgnoreCase)
            && !begin.Contains("<html", StringComparison.OrdinalIgnoreCase);
        return isSvg ? new ProviderIcon([.. bytes], "image/svg+xml", "svg") : null;
    }
}
