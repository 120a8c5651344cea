using Gateway.Tests.Shipping;

namespace Gateway.Tests.Packages;

/// <summary>The licences that are copied into the image.</summary>
public sealed class NoticesTests
{
    private static readonly string[] LicenceWords = ["Permission is hereby granted", "Permission to use, copy", "Apache License", "Redistribution and use"];

    private static readonly string Notices = Shipped.Text("config/package/THIRD-PARTY-NOTICES");

    [Fact]
    public void The_notices_list_exactly_the_packages_of_the_built_program()
    {
        IReadOnlyList<string> published = Component.Published(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Gateway.deps.json")));
        Assert.True(
            published.SequenceEqual(Component.Noticed(Notices), StringComparer.OrdinalIgnoreCase),
            $"Run config/package/build notices. Missing: {string.Join(", ", published.Except(Component.Noticed(Notices)))}");
    }

    /// <summary>Each text says above itself whose it is.</summary>
    [Fact]
    public void Each_package_in_the_notices_has_the_text_of_a_licence()
    {
        string[] texts = Notices.Split(new string('=', 100) + "\n");
        string[] owners = [.. texts.Skip(1).Where(IsLicence).SelectMany(text => text.Split("\n\n")[0].Split(',', '\n')).Select(name => name.Trim())];
        Assert.Empty(Component.Noticed(Notices).Select(package => package.Split(' ')[0]).Except(owners));
    }

    private static bool IsLicence(string text) => LicenceWords.Any(words => text.Contains(words, StringComparison.Ordinal));
}
