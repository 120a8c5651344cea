using System.Collections.Frozen;

namespace Gateway.Settings;

/// <summary>Warns of variables of Paperless about accounts and sign-in that the gateway does not honour. Read the other settings first.</summary>
internal sealed class UnusedPaperlessSettingsReader(IConfiguration configuration, Variables variables)
{
    private const string FileSuffix = "_FILE";

    /// <summary>Every variable that begins so is about accounts and sign-in.</summary>
    private static readonly string[] Prefixes = ["PAPERLESS_SOCIAL", "PAPERLESS_ACCOUNT"];

    /// <summary>The variables that Paperless has, and what stands in their place.</summary>
    private static readonly FrozenDictionary<string, string> Known = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["PAPERLESS_ACCOUNT_DEFAULT_HTTP_PROTOCOL"] = "The scheme of PAPERLESS_URL counts.",
        ["PAPERLESS_ACCOUNT_EMAIL_VERIFICATION"] = "It concerns Paperless's own sign-up page alone.",
        ["PAPERLESS_ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS"] = "It concerns Paperless's own password reset alone.",
        ["PAPERLESS_ACCOUNT_SESSION_REMEMBER"] = "GATEWAY_SESSION_IDLE and GATEWAY_SESSION_LIFETIME decide how long a session lasts.",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>Settings of Paperless with which it no longer believes the gateway alone.</summary>
    private static readonly FrozenDictionary<string, string> Defeating = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["PAPERLESS_AUTO_LOGIN_USERNAME"] = "makes Paperless take everybody who reaches it for that user, strangers included.",
        ["PAPERLESS_DEBUG"] = "makes Paperless take API requests that name a development server as their referrer for a staff user's.",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    public void Warn()
    {
        foreach ((string name, string wrong) in Defeating.OrderBy(setting => setting.Key, StringComparer.Ordinal))
        {
            if (IsOn(name))
            {
                variables.Problem(name, wrong, "Remove it, for the gateway and for Paperless.");
            }
        }

        foreach ((string key, string? value) in configuration.AsEnumerable().OrderBy(variable => variable.Key, StringComparer.Ordinal))
        {
            string name = (key.EndsWith(FileSuffix, StringComparison.OrdinalIgnoreCase) ? key[..^FileSuffix.Length] : key).ToUpperInvariant();
            bool isOfSignIn = Known.ContainsKey(name) || Prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));
            if (string.IsNullOrWhiteSpace(value) || variables.Known.Contains(name))
            {
                continue;
            }

            if (isOfSignIn)
            {
                variables.Warn($"{name} has no effect on the gateway. {Hint(name)}");
            }
            else if (name.StartsWith("PAPER", StringComparison.Ordinal) && Nearest(name) is { } meant)
            {
                variables.Warn($"{name} has no effect. Did you mean {meant}?");
            }
        }
    }

    /// <summary>Whether the variable, or its file, is set. `PAPERLESS_DEBUG=false` is as good as no variable.</summary>
    private bool IsOn(string name) => (configuration[name] ?? configuration[name + FileSuffix])?.Trim().ToUpperInvariant()
        is not (null or "" or "FALSE" or "0" or "NO" or "F" or "N");

    /// <summary>The variable of the gateway or Paperless that a name is a typo of. Short names must be nearer, because Paperless has many.</summary>
    private string? Nearest(string name) => variables.Known.FirstOrDefault(known => EditDistance.IsWithin(known, name, known.Length > 16 ? 2 : 1));

    private string Hint(string name)
    {
        if (Known.TryGetValue(name, out string? hint))
        {
            return hint;
        }

        return Nearest(name) is { } meant
            ? $"Did you mean {meant}?"
            : "This version does not know it.";
    }
}
