using System.Text.Json;

namespace Gateway.Tests.Packages;

/// <summary>A component of an SBOM in CycloneDX's JSON.</summary>
internal sealed record Component(string Name, string Version, string Purl, string Licence, bool HasHash)
{
    private const string RuntimePack = "runtimepack.";

    public static IReadOnlyList<Component> Read(string json) =>
        [.. JsonDocument.Parse(json).RootElement.GetProperty("components").EnumerateArray().Select(one => new Component(
            one.GetProperty("name").GetString()!,
            one.GetProperty("version").GetString()!,
            one.GetProperty("purl").GetString()!,
            one.GetProperty("licenses")[0].GetProperty("license").GetProperty("id").GetString()!,
            one.TryGetProperty("hashes", out _)))];

    /// <summary>"name version" of each package in the `.deps.json` of a built program.</summary>
    public static IReadOnlyList<string> Published(string depsJson) =>
        [.. JsonDocument.Parse(depsJson).RootElement.GetProperty("libraries").EnumerateObject()
            .Where(library => library.Value.GetProperty("type").GetString() != "project")
            .Select(library => library.Name.Replace('/', ' '))
            .Select(name => name.StartsWith(RuntimePack, StringComparison.Ordinal) ? name[RuntimePack.Length..] : name)
            .Order(StringComparer.OrdinalIgnoreCase)];

    /// <summary>"name version" of each package in the table of a THIRD-PARTY-NOTICES.</summary>
    public static IReadOnlyList<string> Noticed(string notices)
    {
        string[] lines = notices[..notices.IndexOf("\n====", StringComparison.Ordinal)].Split('\n');
        return [.. lines.Skip(2).Where(line => line.Length > 0 && line[0] != ' ').Order(StringComparer.OrdinalIgnoreCase)];
    }
}
