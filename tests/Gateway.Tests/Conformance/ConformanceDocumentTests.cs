using System.Reflection;
using Gateway.Tests.Shipping;

namespace Gateway.Tests.Conformance;

/// <summary>docs/conformance.md lists the modules that the tests run, and no others as passed.</summary>
public sealed class ConformanceDocumentTests
{
    private const string Passes = "passes";

    private static readonly string[] Headings =
    [
        "Basic", "Config", "Form Post", "RP-initiated logout", "Back-channel logout", "Front-channel logout", "Modules outside these profiles",
    ];

    private static readonly MethodInfo[] Tests =
        [.. typeof(ConformanceTests).GetMethods().Where(method => method.GetCustomAttributes<FactAttribute>().Any())];

    private static readonly string[][] Rows = [.. Headings.SelectMany(heading => Document.Of("docs/conformance.md").Rows(heading))];

    [Fact]
    public void Each_module_that_passes_names_the_test_that_runs_it_and_each_module_of_a_test_is_in_the_document() => Assert.Equal(
        Tests.SelectMany(test => ModulesOf(test).Select(module => $"{module}: {test.Name}")).Order(StringComparer.Ordinal),
        Rows.Where(row => row[3] == Passes).Select(row => $"{row[0].Trim('`')}: {row[2].Trim('`')}").Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Each_test_named_in_the_document_exists() => Assert.Empty(
        Rows.Select(row => row[2].Trim('`')).Where(name => name != "–").Except(Tests.Select(test => test.Name)));

    [Fact]
    public void Each_row_has_a_result_and_says_why_a_module_does_not_apply()
    {
        Assert.Equal(59, Rows.Length);
        Assert.All(Rows, row =>
        {
            Assert.Equal(4, row.Length);
            Assert.True(row[3] == Passes || row[3].StartsWith("does not apply", StringComparison.Ordinal), string.Join(" | ", row));
        });
    }

    /// <summary>The first argument of a theory names the module.</summary>
    private static IEnumerable<string> ModulesOf(MethodInfo test)
    {
        foreach (InlineDataAttribute row in test.GetCustomAttributes<InlineDataAttribute>())
        {
            yield return (string)row.Data[0]!;
        }

        foreach (MemberDataAttribute member in test.GetCustomAttributes<MemberDataAttribute>())
        {
            foreach (ITheoryDataRow row in (IEnumerable<ITheoryDataRow>)typeof(ConformanceTests).GetProperty(member.MemberName)!.GetValue(null)!)
            {
                yield return (string)row.GetData()[0]!;
            }
        }
    }
}
