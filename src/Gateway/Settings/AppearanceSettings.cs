using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Gateway.Settings;

/// <summary>How the pages of the gateway look.</summary>
/// <param name="Title">`PAPERLESS_APP_TITLE`; null for Paperless's own name.</param>
/// <param name="Logo">`PAPERLESS_APP_LOGO`: the path below the script name; null for the leaf.</param>
internal sealed partial record AppearanceSettings(string? Title, string? Logo)
{
    private const int MaxTitleLength = 100;

    /// <summary>`GATEWAY_SIGN_IN_TEXT`: what the sign-in page says, too; null for nothing.</summary>
    public string? SignInText { get; init; }

    /// <summary>`GATEWAY_PROVIDER_ICONS`, by `provider_id`.</summary>
    public ImmutableDictionary<string, ProviderIcon> Icons { get; init; } = ImmutableDictionary<string, ProviderIcon>.Empty;

    /// <returns>One line of limited length; null for nothing.</returns>
    public static string? CleanTitle(string? title)
    {
        string clean = new([.. (title ?? "").Where(letter => !char.IsControl(letter)).Take(MaxTitleLength)]);
        return string.IsNullOrWhiteSpace(clean) ? null : clean.Trim();
    }

    /// <returns>The path below `/logo/`, where Paperless serves the logo to everybody; null for any other.</returns>
    public static string? CleanLogo(string? path)
    {
        string absolute = "/" + path?.TrimStart('/');
        return LogoFile().IsMatch(absolute) ? "/logo/" + Uri.EscapeDataString(absolute["/logo/".Length..]) : null;
    }

    [GeneratedRegex(@"\A/logo/[^/\\?#%\p{Cc}]{1,200}\z")]
    private static partial Regex LogoFile();
}

/// <summary>A picture on a provider's button.</summary>
/// <param name="ContentType">By the content of the file.</param>
/// <param name="Extension">For the address.</param>
internal sealed record ProviderIcon(ImmutableArray<byte> Content, string ContentType, string Extension);
