using Gateway.Settings;

namespace Gateway.Tests.Groups;

public sealed class GroupMapTests
{
    private static readonly GroupMap Map = new(new Dictionary<string, string?>
    {
        ["paperless-*"] = "*",
        ["paperless-admins"] = "Administrators",
        ["paperless-team-*"] = "Team *",
        ["*-external"] = null,
        ["8f14e45f"] = "Family",
        ["same"] = "same",
        ["fixed-*"] = "Everybody",
        ["twice-*"] = "*/*",
    });

    [Theory]
    [InlineData("paperless-editors", "editors")]
    [InlineData("paperless-admins", "Administrators")]
    [InlineData("paperless-team-red", "Team red")]
    [InlineData("paperless-", "")]
    [InlineData("somebody-external", null)]
    [InlineData("-external", null)]
    [InlineData("8f14e45f", "Family")]
    [InlineData("same", "same")]
    [InlineData("fixed-x", "Everybody")]
    [InlineData("twice-x", "x/x")]
    [InlineData("paperless-*", "*")]
    public void An_exact_key_wins_over_a_wildcard_and_a_longer_wildcard_over_a_shorter_one(string name, string? expected)
    {
        Assert.True(Map.TryMap([name], out string? mapped));
        Assert.Equal(expected, mapped);
    }

    [Theory]
    [InlineData("Paperless-editors")]
    [InlineData("x-paperless-editors")]
    [InlineData("paperless")]
    [InlineData("")]
    [InlineData("*")]
    public void A_group_without_a_matching_key_is_not_mapped(string name) => Assert.False(Map.TryMap([name], out _));

    [Fact]
    public void An_exact_key_for_the_group_id_wins_over_a_wildcard_for_the_name()
    {
        Assert.True(Map.TryMap(["paperless-editors", "8f14e45f"], out string? mapped));
        Assert.Equal("Family", mapped);
    }

    [Fact]
    public void A_key_for_the_full_name_wins_over_a_key_for_the_short_name()
    {
        GroupMap map = new(new Dictionary<string, string?> { ["/guests/*"] = null, ["admins"] = "Administrators", ["*"] = null });

        Assert.Empty(map.MapAll(["/guests/admins"], "admins")!.Value.Mapped);
        Assert.Equal(["Administrators"], map.MapAll(["/staff/admins"], "admins")!.Value.Mapped);
        Assert.Empty(map.MapAll(["/staff/others"], "others")!.Value.Mapped);
    }

    [Fact]
    public void A_star_alone_matches_all_remaining_groups()
    {
        GroupMap closed = new(new Dictionary<string, string?> { ["*"] = null, ["family"] = "Family" });

        Assert.True(closed.TryMap(["anything"], out string? dropped));
        Assert.Null(dropped);
        Assert.True(closed.TryMap(["family"], out string? kept));
        Assert.Equal("Family", kept);
    }

    [Fact]
    public void The_result_of_a_wildcard_is_taken_literally_even_with_a_star_in_it()
    {
        GroupMap map = new(new Dictionary<string, string?> { ["a*"] = "<*>" });

        Assert.True(map.TryMap(["a*b*"], out string? mapped));
        Assert.Equal("<*b*>", mapped);
    }
}
