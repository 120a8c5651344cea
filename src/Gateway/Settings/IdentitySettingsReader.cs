using System.Collections.Immutable;
using System.Text.Json;

namespace Gateway.Settings;

/// <summary>Reads which claims determine the Paperless user.</summary>
internal sealed class IdentitySettingsReader(Variables variables)
{
    private static readonly JsonSerializerOptions NoDuplicateNames = new() { AllowDuplicateProperties = false };

    private const string RequiredClaimsRemedy = "Write it as {\"department\": [\"office\", \"/tax-.*/\"], \"active\": true}.";

    public IdentitySettings Read()
    {
        ImmutableArray<string> allowed = AllowedGroups();
        return new IdentitySettings(
            variables.Text("GATEWAY_USERNAME_CLAIM") ?? "preferred_username",
            variables.Text("GATEWAY_GROUPS_CLAIM") ?? variables.Text("PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS_CLAIM") ?? "groups",
            new GroupMap(NameMap("GATEWAY_GROUP_MAP")),
            [.. allowed.Where(entry => !ClaimPattern.IsPattern(entry))])
        {
            AllowedGroupPatterns = Patterns("GATEWAY_ALLOWED_GROUPS", allowed),
            UsernameMap = new GroupMap(NameMap("GATEWAY_USERNAME_MAP")),
            AllowedEmailDomains = AllowedEmailDomains(),
            RequiredClaims = RequiredClaims(),
        };
    }

    /// <summary>With commas between them, or a JSON list, whose entries may contain commas.</summary>
    private ImmutableArray<string> AllowedGroups()
    {
        const string name = "GATEWAY_ALLOWED_GROUPS";
        if (variables.Text(name) is not ['[', ..] text)
        {
            ImmutableArray<string> parts = variables.List(name);
            if (parts.FirstOrDefault(IsHalf) is { } half)
            {
                variables.Problem(name, $"\"{half}\" is part of a name or of a pattern with a comma.", "Write a JSON list: [\"/cn=dms-.*,ou=x/\"].");
            }

            return parts;
        }

        try
        {
            string[] entries = [.. (JsonSerializer.Deserialize<string?[]>(text) ?? []).OfType<string>().Where(entry => !string.IsNullOrWhiteSpace(entry))];
            if (entries.Length > 0)
            {
                return [.. entries];
            }
        }
        catch (JsonException)
        {
            // Reported below.
        }

        variables.Problem(name, "is not a JSON list of texts with at least one entry.", "Write it as [\"editors\", \"cn=admins,ou=groups\"].");
        return [];
    }

    /// <summary>Whether a comma has parted the entry: it has a quote, or a slash, at one end alone. A path begins with a slash and ends without one.</summary>
    private static bool IsHalf(string entry) =>
        (entry[0] == '"') != (entry[^1] == '"') || (entry[0] != '/' && entry[^1] == '/');

    private ImmutableHashSet<string> AllowedEmailDomains()
    {
        const string name = "GATEWAY_ALLOWED_EMAIL_DOMAINS";
        ImmutableHashSet<string>.Builder domains = ImmutableHashSet.CreateBuilder<string>(StringComparer.OrdinalIgnoreCase);
        foreach (string entry in variables.List(name))
        {
            if (EmailDomain.Parse(entry.TrimStart('@')) is { } domain)
            {
                domains.Add(domain);
            }
            else
            {
                variables.Problem(name, $"\"{entry}\" is not a domain.", "Write what stands after the @ of an address, such as example.com.");
            }
        }

        return domains.ToImmutable();
    }

    private ImmutableArray<RequiredClaim> RequiredClaims()
    {
        const string name = "GATEWAY_REQUIRED_CLAIMS";
        if (variables.Text(name) is not { } text)
        {
            return [];
        }

        ImmutableArray<RequiredClaim>.Builder claims = ImmutableArray.CreateBuilder<RequiredClaim>();
        try
        {
            Dictionary<string, JsonElement> given = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(text, NoDuplicateNames) ?? [];
            if (given.Count == 0)
            {
                variables.Problem(name, "requires no claim.", RequiredClaimsRemedy);
            }

            foreach ((string claim, JsonElement value) in given)
            {
                JsonElement[] entries = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
                string[] values = [.. entries.Select(RequiredClaimText).OfType<string>()];
                if (values.Length > 0 && values.Length == entries.Length)
                {
                    claims.Add(new RequiredClaim(claim, [.. values.Where(entry => !ClaimPattern.IsPattern(entry))], Patterns(name, values)));
                    continue;
                }

                variables.Problem(name, $"\"{claim}\" has a value that is no text, number or boolean, or none.", RequiredClaimsRemedy);
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // JsonElement throws InvalidOperationException at half of a surrogate pair.
            variables.Problem(name, "is not a JSON object without duplicate names, in valid Unicode.", RequiredClaimsRemedy);
        }

        return claims.ToImmutable();
    }

    /// <summary>Null for a value that a claim cannot be compared with.</summary>
    private static string? RequiredClaimText(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString() is { Length: > 0 } text ? text : null,
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => null,
    };

    private ImmutableArray<ClaimPattern> Patterns(string name, IEnumerable<string> entries)
    {
        ImmutableArray<ClaimPattern>.Builder patterns = ImmutableArray.CreateBuilder<ClaimPattern>();
        foreach (string entry in entries.Where(ClaimPattern.IsPattern))
        {
            if (ClaimPattern.Parse(entry, out string error) is { } pattern)
            {
                patterns.Add(pattern);
            }
            else
            {
                ReportPattern(name, entry, error);
            }
        }

        return patterns.ToImmutable();
    }

    private Dictionary<string, string?> NameMap(string name)
    {
        Dictionary<string, string?> usable = [];
        if (variables.Text(name) is not { } text)
        {
            return usable;
        }

        Dictionary<string, string?>? entries = null;
        try
        {
            entries = JsonSerializer.Deserialize<Dictionary<string, string?>>(text, NoDuplicateNames);
        }
        catch (JsonException error)
        {
            string wrong = error.Message.Contains("uplicate", StringComparison.Ordinal)
                ? "has the same name twice."
                : $"is not a JSON object of texts (line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1}).";
            variables.Problem(name, wrong, "Write it as {\"provider-name\": \"paperless-name\", \"dropped\": null, \"paperless-*\": \"*\"}.");
        }

        foreach ((string key, string? value) in entries ?? [])
        {
            if (IsUsable(name, key, value))
            {
                usable.Add(key, value);
            }
        }

        return usable;
    }

    private bool IsUsable(string name, string key, string? value)
    {
        if (value is not null && string.IsNullOrWhiteSpace(value))
        {
            variables.Problem(name, $"the key \"{key}\" maps to an empty name.", "Write a name, or null to drop it.");
            return false;
        }

        if (ClaimPattern.IsPattern(key))
        {
            bool isPattern = ClaimPattern.Parse(key, out string error) is not null;
            if (!isPattern)
            {
                ReportPattern(name, key, error);
            }

            return isPattern;
        }

        if (key.Count(letter => letter == '*') > 1 || (key.Contains('*', StringComparison.Ordinal) && !GroupMap.IsWildcard(key)))
        {
            variables.Problem(name, $"the key \"{key}\" has a * that is not its first or last letter.", "Put one * at the beginning or the end.");
            return false;
        }

        if (value?.Contains('*', StringComparison.Ordinal) == true && !GroupMap.IsWildcard(key))
        {
            variables.Problem(
                name,
                $"the value of \"{key}\" has a * but its key has none.",
                "A * in a value stands for the text that the * in its key matched.");
            return false;
        }

        return true;
    }

    private void ReportPattern(string name, string pattern, string error) =>
        variables.Problem(name, $"the pattern \"{pattern}\" {error}.", "Write a regular expression between slashes, such as /cn=([^,]+),.*/.");
}
