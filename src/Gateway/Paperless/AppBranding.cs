using System.Text.Json;
using Gateway.Settings;

namespace Gateway.Paperless;

/// <summary>
/// The title and the logo of Paperless, as its own pages show them. Its database may hold others than its environment, and each answer of
/// `/api/ui_settings/` tells them: the gateway reads those answers anyway.
/// </summary>
internal sealed class AppBranding(GatewaySettings settings)
{
    private const string DefaultTitle = "Paperless-ngx";

    private volatile AppearanceSettings? _told;

    public string Title => _told?.Title ?? settings.Appearance.Title ?? DefaultTitle;

    /// <summary>The public path of the logo, with the script name; null: there is none.</summary>
    public string? LogoPath => (_told?.Logo ?? settings.Appearance.Logo) is { } path ? settings.ScriptName + path : null;

    /// <summary>Whether Paperless has a name or logo of its own.</summary>
    public bool IsCustom => LogoPath is not null || Title != DefaultTitle;

    /// <param name="answer">The whole answer of `/api/ui_settings/`. What it does not tell stays as it is.</param>
    public void Learn(ReadOnlyMemory<byte> answer)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(answer);
            if (document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("settings", out JsonElement values) && values.ValueKind == JsonValueKind.Object)
            {
                _told = new AppearanceSettings(
                    AppearanceSettings.CleanTitle(Text(values, "app_title")),
                    AppearanceSettings.CleanLogo(Text(values, "app_logo")));
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Another part of the gateway reports answers that cannot be read.
        }
    }

    private static string? Text(JsonElement values, string name) =>
        values.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
