using System.Text.Json;
using System.Text.RegularExpressions;

namespace Gateway.Tests.Shipping;

/// <summary>A Dockerfile's instructions: comments taken away, continued lines joined.</summary>
internal sealed partial record Dockerfile(IReadOnlyList<DockerInstruction> Instructions)
{
    public static Dockerfile Parse(string text)
    {
        string joined = Continued().Replace(Comment().Replace(text, ""), " ");
        return new([.. joined
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(DockerInstruction.Parse)]);
    }

    /// <summary>The instructions of each stage, its FROM first.</summary>
    public IReadOnlyList<IReadOnlyList<DockerInstruction>> Stages
    {
        get
        {
            List<List<DockerInstruction>> stages = [];
            foreach (DockerInstruction instruction in Instructions)
            {
                if (instruction.Name == "FROM")
                {
                    stages.Add([]);
                }

                stages[^1].Add(instruction);
            }

            return stages;
        }
    }

    public IReadOnlyList<DockerInstruction> Build => Stages[0];

    public IReadOnlyList<DockerInstruction> Final => Stages[^1];

    /// <summary>What the image's environment holds.</summary>
    public IReadOnlyDictionary<string, string> Environment => Final
        .Where(instruction => instruction.Name == "ENV")
        .SelectMany(instruction => instruction.Words)
        .Select(word => word.Split('=', 2))
        .ToDictionary(parts => parts[0], parts => parts[1]);

    public DockerInstruction TheFinal(string name) => Assert.Single(Final, instruction => instruction.Name == name);

    [GeneratedRegex(@"^[ \t]*#.*\n?", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\\\n\s*")]
    private static partial Regex Continued();
}

/// <summary>One instruction: its name, its `--flags`, and the rest.</summary>
internal sealed record DockerInstruction(string Name, IReadOnlyDictionary<string, string> Flags, string Rest)
{
    public IReadOnlyList<string> Words => Rest.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The words of the exec form, a JSON array.</summary>
    public IReadOnlyList<string> Exec => JsonSerializer.Deserialize<string[]>(Rest[Rest.IndexOf('[', StringComparison.Ordinal)..])!;

    public static DockerInstruction Parse(string line)
    {
        string[] parts = line.Split(' ', 2, StringSplitOptions.TrimEntries);
        Dictionary<string, string> flags = [];
        string rest = parts[1];
        while (rest.StartsWith("--", StringComparison.Ordinal))
        {
            string[] flagAndRest = rest.Split(' ', 2, StringSplitOptions.TrimEntries);
            string[] nameAndValue = flagAndRest[0][2..].Split('=', 2);
            flags.Add(nameAndValue[0], nameAndValue[1]);
            rest = flagAndRest[1];
        }

        return new(parts[0], flags, rest);
    }
}
