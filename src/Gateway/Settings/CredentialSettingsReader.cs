using System.Collections.Immutable;
using System.Globalization;

namespace Gateway.Settings;

/// <summary>Reads which credentials apps may send in place of a session, and how many wrong ones are allowed.</summary>
internal sealed class CredentialSettingsReader(Variables variables)
{
    private const int MaxFailedLogins = 1000;

    private static readonly TimeSpan MaxFailedLoginWindow = TimeSpan.FromHours(24);

    public AppSettings ReadApps(ImmutableArray<ProviderSettings> providers)
    {
        AppSettings standard = AppSettings.Default;
        bool isOn = variables.Flag("GATEWAY_APPS", standard.IsOn);
        return new AppSettings
        {
            IsOn = isOn,
            Recheck = RecheckInterval.Read(variables, "GATEWAY_APP_RECHECK", standard.Recheck, example: "1h"),
            Lifetime = variables.Duration("GATEWAY_APP_LIFETIME", standard.Lifetime),
            PaperlessTokens = variables.Flag("GATEWAY_PAPERLESS_TOKENS", standard.PaperlessTokens),
            BearerAudiences = BearerAudiences(providers, isOn),
        };
    }

    /// <summary>`10/5m`: a number and a duration.</summary>
    /// <returns>Null where the limit is off.</returns>
    public FailedLoginLimit? ReadFailedLogins()
    {
        const string name = "GATEWAY_FAILED_LOGINS";
        string text = variables.Text(name) ?? "10/5m";
        if (Variables.IsOff(text))
        {
            return null;
        }

        string[] parts = text.Split('/', StringSplitOptions.TrimEntries);
        if (parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            && count is > 0 and <= MaxFailedLogins
            && Variables.TryReadDuration(parts[1], out TimeSpan window)
            && Variables.HasUnit(parts[1])
            && window <= MaxFailedLoginWindow)
        {
            return new FailedLoginLimit(count, window);
        }

        variables.Problem(
            name,
            $"\"{text}\" is not a number of failures and a time.",
            $"Write them as 10/5m (at most {MaxFailedLogins} failures and 24h), or off.");
        return null;
    }

    private static bool IsClientOfSignIn(ProviderSettings provider, string clientId) =>
        provider.ClientId == clientId || provider.AppClientIds.Contains(clientId);

    /// <summary>ID tokens of a sign-in have the client's id as their audience, and must open nothing.</summary>
    private ImmutableArray<string> BearerAudiences(ImmutableArray<ProviderSettings> providers, bool isOn)
    {
        const string name = "GATEWAY_BEARER_AUDIENCES";
        ImmutableArray<string> audiences = variables.List(name);
        foreach (string audience in audiences.Where(audience => providers.Any(provider => IsClientOfSignIn(provider, audience))))
        {
            variables.Problem(
                name,
                $"\"{audience}\" is the client_id of a sign-in, of the browser or of an app: its ID tokens have that audience, too.",
                "Register an API, or a client of its own, at the provider and write its audience here.");
        }

        if (!isOn && !audiences.IsEmpty)
        {
            variables.Warn($"{name} has no effect while GATEWAY_APPS is off.");
        }

        return audiences;
    }
}
