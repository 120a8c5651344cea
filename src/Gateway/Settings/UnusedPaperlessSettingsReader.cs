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
        ["PAPERLESS_AUTO_LOGIN_USERNAME"] = "With it, Paperless takes everybody who reaches it for that user, strangers included. Remove it.",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    public void Warn()
    {
        foreach ((string key, string? value) in configuration.AsEnumerable().OrderBy(variable => variable.Key, StringComparer.Ordinal))
        {
            string name = (key.EndsWith(FileSuffix, StringComparison.OrdinalIgnoreCase) ? key[..^FileSuffix.Length] : key).ToUpperInvariant();
            bool isOfSignIn = Known.ContainsKey(name) || Prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));
            if (isOfSignIn && !string.IsNullOrWhiteSpace(value) && !variables.Known.Contains(name))
            {
                variables.Warn($"{name} has no effect on the gateway. {Hint(name)}");
            }
        }
    }

    private string Hint(string name)
    {
        if (Known.TryGetValue(name, out string? hint))
        {
            return hint;
        }

        return variables.Known.FirstOrDefault(known => EditDistance.IsWithin(known, name, 2)) is { } meant
            ? $"Did you mean {meant}?"
            : "This version does not know it.";
    }
}
