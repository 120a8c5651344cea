using System.Collections.Immutable;
using System.Text.Json;
using Gateway.Groups;
using Gateway.Settings;

namespace Gateway.Tests.Groups;

public sealed class GroupClaimsTests
{
    [Theory]
    [InlineData("""{"groups": ["b", "a"]}""", "b a")]
    [InlineData("""{"groups": ["a", "b", "a"]}""", "a b")]
    [InlineData("""{"groups": "a"}""", "a")]
    [InlineData("""{"groups": {"name": "a", "id": "1"}}""", "a")]
    [InlineData("""{"groups": [{"name": "a"}, {"id": "2"}, {"id": "3", "name": "c"}]}""", "a 2 c")]
    [InlineData("""{"groups": [{"name": 5, "id": "2"}, {"name": " ", "id": "3"}]}""", "2 3")]
    [InlineData("""{"groups": ["a", 5, null, {"value": "x"}, ["b"], " ", "c"]}""", "a c")]
    [InlineData("""{"groups": ["Größe", "a b", "A"]}""", "Größe|a b|A")]
    public void Group_names_keep_the_providers_order_without_duplicates(string claims, string expected) =>
        Assert.Equal(expected.Split(expected.Contains('|', StringComparison.Ordinal) ? '|' : ' '), Read(claims).Mapped!.Value);

    [Theory]
    [InlineData("""{"groups": []}""")]
    [InlineData("""{"groups": ""}""")]
    [InlineData("""{"groups": [""]}""")]
    public void An_empty_groups_claim_means_no_groups(string claims) => Assert.Empty(Read(claims).Mapped!.Value);

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"groups": null}""")]
    [InlineData("""{"groups": true}""")]
    [InlineData("""{"groups": 5}""")]
    [InlineData("""{"groups": {}}""")]
    [InlineData("""{"groups": {"value": "a"}}""")]
    [InlineData("""{"groups": [1, 2]}""")]
    [InlineData("""{"groups": [{"value": "a"}]}""")]
    [InlineData("""{"groups": [null]}""")]
    [InlineData("""{"Groups": ["a"]}""")]
    public void A_claim_that_says_nothing_about_groups_counts_as_absent_and_not_as_empty(string claims) => Assert.Null(Read(claims).Mapped);

    [Theory]
    [InlineData("realm_access.roles", """{"realm_access": {"roles": ["nested"]}}""", "nested")]
    [InlineData("realm_access.roles", """{"realm_access": {"roles": ["nested"]}, "realm_access.roles": ["literal"]}""", "literal")]
    [InlineData("resource_access.paper.less.roles", """{"resource_access": {"paper.less": {"roles": ["client with a dot"]}}}""", "client with a dot")]
    [InlineData("https://example.com/groups", """{"https://example.com/groups": ["a URL"]}""", "a URL")]
    [InlineData("https://example.com/claims.groups", """{"https://example.com/claims": {"groups": ["below a URL"]}}""", "below a URL")]
    [InlineData("a.b.c", """{"a": {"b.c": ["literal at each level"], "b": {"c": ["deeper"]}}}""", "literal at each level")]
    [InlineData("a.b.c", """{"a.b": {"c": ["longest first"]}, "a": {"b": {"c": ["deeper"]}}}""", "longest first")]
    [InlineData("a.b.c", """{"a.b": {"x": 1}, "a": {"b": {"c": ["another way"]}}}""", "another way")]
    public void A_groups_claim_is_found_by_its_literal_name_or_by_a_dotted_path(string claim, string claims, string expected) =>
        Assert.Equal([expected], Read(claims, claim).Mapped!.Value);

    [Theory]
    [InlineData("a.b")]
    [InlineData("a.")]
    [InlineData(".a")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("")]
    public void A_claim_path_that_leads_nowhere_means_an_absent_groups_claim(string claim) =>
        Assert.Null(Read("""{"a": ["x"], "b": {"a": ["y"]}}""", claim).Mapped);

    [Fact]
    public void A_claim_path_of_excessive_length_is_not_followed()
    {
        string path = string.Join('.', Enumerable.Repeat("a", 40));
        string claims = string.Concat(Enumerable.Repeat("{\"a\":", 40)) + "[\"x\"]" + new string('}', 40);

        Assert.Null(Read(claims, path).Mapped);
    }

    [Fact]
    public void Group_names_longer_than_Paperless_allows_and_names_beyond_a_thousand_are_ignored()
    {
        string[] names = [new string('x', 151), new string('y', 150), .. Enumerable.Range(0, 2000).Select(number => $"g{number}")];

        ImmutableArray<string> mapped = Read(JsonSerializer.Serialize(new { groups = names })).Mapped!.Value;

        Assert.Equal(999, mapped.Length);
        Assert.Equal(names[1], mapped[0]);
    }

    [Theory]
    [InlineData("""{"groups": ["a", "\ud800", "b"]}""", "a b")]
    [InlineData("""{"groups": [{"name": "\udc00", "id": "1"}]}""", "1")]
    public void A_group_name_with_a_lone_surrogate_is_ignored_without_an_exception(string claims, string expected) =>
        Assert.Equal(expected.Split(' '), Read(claims).Mapped!.Value);

    [Fact]
    public void A_lone_surrogate_in_another_claims_name_causes_no_exception() => Assert.Null(Read("""{"\ud800": 1}""").Mapped);

    [Theory]
    [InlineData("", true)]
    [InlineData("provider-name", true)]
    [InlineData("id-1", true)]
    [InlineData("mapped-name", true)]
    [InlineData("dropped", true)]
    [InlineData("other", false)]
    [InlineData("Provider-Name", false)]
    public void An_allowed_group_matches_the_providers_name_its_id_or_the_mapped_name(string allowed, bool opens)
    {
        GroupMap map = new(new Dictionary<string, string?> { ["provider-name"] = "mapped-name", ["dropped"] = null });
        GroupsOfPerson groups = GroupClaims.Read(Json("""{"groups": [{"name": "provider-name", "id": "id-1"}, "dropped"]}"""), "groups", map);

        Assert.Equal(opens, groups.IsAllowed(allowed.Length == 0 ? [] : [allowed, "nobody's"]));
    }

    [Fact]
    public void Without_a_groups_claim_a_person_is_allowed_only_if_no_groups_are_required()
    {
        Assert.True(GroupsOfPerson.Absent.IsAllowed([]));
        Assert.False(GroupsOfPerson.Absent.IsAllowed(["a"]));
    }

    private static GroupsOfPerson Read(string claims, string claim = "groups") => GroupClaims.Read(Json(claims), claim, GroupMap.Empty);

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
