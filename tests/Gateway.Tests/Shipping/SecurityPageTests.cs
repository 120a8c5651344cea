using System.Reflection;
using System.Text.RegularExpressions;

namespace Gateway.Tests.Shipping;

/// <summary>docs/security.md names a test for each advisory, and each of them is there.</summary>
public sealed partial class SecurityPageTests
{
    private static readonly string Page = Shipped.Text("docs/security.md");

    private static readonly string[] Rows =
    [
        .. Page.Split("## Published advisories")[1].Split('\n')
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| Advisory", StringComparison.Ordinal)),
    ];

    [Fact]
    public void At_least_forty_advisories_are_listed_without_duplicates()
    {
        string[] ids = [.. Rows.SelectMany(row => Id().Matches(Cells(row)[0]).Select(match => match.Value))];

        Assert.InRange(Rows.Length, 40, int.MaxValue);
        Assert.All(Rows, row => Assert.Matches(Id(), Cells(row)[0]));
        Assert.All(Rows, row => Assert.Equal(4, Cells(row).Length));
        Assert.Equal(ids.Distinct(), ids);
    }

    [Fact]
    public void Each_advisory_names_existing_tests()
    {
        foreach (string row in Rows)
        {
            string[] names = [.. Code().Matches(Cells(row)[3]).Select(match => match.Groups["name"].Value)];
            Assert.NotEmpty(names);
            Assert.All(names, name => Assert.True(Exists(name), $"There is no test {name}: {Cells(row)[0]}"));
        }
    }

    [Theory]
    [InlineData("SecurityPageTests", true)]
    [InlineData("SecurityPageTests.A_test_name_is_found_only_if_the_test_exists", true)]
    [InlineData("SecurityPageTests.Cells", false)]
    [InlineData("SecurityPageTests.Nothing", false)]
    [InlineData("Shipped", false)]
    [InlineData("NoTests", false)]
    public void A_test_name_is_found_only_if_the_test_exists(string name, bool exists) => Assert.Equal(exists, Exists(name));

    private static bool Exists(string name)
    {
        string[] parts = name.Split('.');
        MethodInfo[] tests =
        [
            .. typeof(SecurityPageTests).Assembly.GetTypes().Where(type => type.Name == parts[0])
                .SelectMany(type => type.GetMethods()).Where(method => method.GetCustomAttributes<FactAttribute>().Any()),
        ];
        return parts.Length == 1 ? tests.Length > 0 : tests.Any(test => test.Name == parts[1]);
    }

    private static string[] Cells(string row) => [.. row.Trim().Trim('|').Split('|').Select(cell => cell.Trim())];

    [GeneratedRegex(@"CVE-\d{4}-\d{4,7}|GHSA(-[23456789cfghjmpqrvwx]{4}){3}")]
    private static partial Regex Id();

    [GeneratedRegex("`(?<name>[^`]+)`")]
    private static partial Regex Code();
}
