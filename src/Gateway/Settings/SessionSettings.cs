using System.Collections.Immutable;

namespace Gateway.Settings;

/// <summary>The idle timeout of a session, its absolute lifetime, and the interval of rechecks at the provider.</summary>
internal sealed record SessionSettings(TimeSpan Idle, TimeSpan Lifetime, TimeSpan Recheck)
{
    /// <summary>For device passwords, which are stored like sessions.</summary>
    public AppSettings Apps { get; init; } = AppSettings.Default;
}

/// <summary>Apps, scanners and programs: device passwords, and the single sign-on of apps.</summary>
internal sealed record AppSettings
{
    public static readonly AppSettings Default = new();

    /// <summary>`GATEWAY_APPS`.</summary>
    public bool IsOn { get; init; } = true;

    /// <summary>The interval of rechecks of a device password at the provider.</summary>
    public TimeSpan Recheck { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long a device password lives at most that the provider cannot be asked about.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromDays(180);

    /// <summary>Whether API tokens of Paperless are accepted.</summary>
    public bool PaperlessTokens { get; init; } = true;

    /// <summary>`GATEWAY_BEARER_AUDIENCES`: the API accepts access tokens of the providers for one of these audiences. Empty: none.</summary>
    public ImmutableArray<string> BearerAudiences { get; init; } = [];

    public bool TakesBearerTokens => IsOn && !BearerAudiences.IsEmpty;
}
