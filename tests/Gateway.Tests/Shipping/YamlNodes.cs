using System.Diagnostics.CodeAnalysis;
using YamlDotNet.RepresentationModel;

namespace Gateway.Tests.Shipping;

/// <summary>Short ways to what a YAML node holds.</summary>
internal static class YamlNodes
{
    public static bool TryGet(this YamlNode node, string key, [NotNullWhen(true)] out YamlNode? value) =>
        ((YamlMappingNode)node).Children.TryGetValue(new YamlScalarNode(key), out value);

    public static string Text(this YamlNode node) => ((YamlScalarNode)node).Value ?? "";

    /// <summary>The texts of a sequence; of a scalar, that one; none where the key is missing.</summary>
    public static IReadOnlyList<string> Texts(this YamlNode node, string key)
    {
        if (!node.TryGet(key, out YamlNode? value))
        {
            return [];
        }

        return value is YamlSequenceNode sequence ? [.. sequence.Select(Text)] : [value.Text()];
    }

    public static IReadOnlyList<string> Keys(this YamlNode node) => [.. ((YamlMappingNode)node).Children.Keys.Select(Text)];

    public static IReadOnlyDictionary<string, string> Map(this YamlNode node, string key) =>
        node.TryGet(key, out YamlNode? value)
            ? ((YamlMappingNode)value).Children.ToDictionary(entry => entry.Key.Text(), entry => entry.Value.Text())
            : new Dictionary<string, string>();
}
