using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Gateway.Groups;
using Gateway.Settings;

namespace Gateway.Tests.Groups;

/// <summary>Properties of reading groups that hold for every claim and every group map.</summary>
public sealed class GroupPropertyTests
{
    private const int Tries = 2000;

    /// <summary>Few letters, so that names meet each other and the keys of the map.</summary>
    private static readonly Gen<string> Name = Gen.String[Gen.Char["ab-* "], 0, 4];

    private static readonly Gen<ImmutableArray<string>> Names = Name.Array[0, 8].Select(names => names.ToImmutableArray());

    private static readonly Gen<Dictionary<string, string?>> Entries =
        Gen.Select(Name, Gen.OneOf(Name.Select(name => (string?)name), Gen.Const((string?)null)))
            .Array[0, 5]
            .Select(pairs => pairs.Where(pair => pair.Item1.Length > 0).DistinctBy(pair => pair.Item1).ToDictionary(pair => pair.Item1, pair => pair.Item2));

    [Fact]
    public void Mapped_group_names_are_never_blank_or_duplicated() => Gen.Select(Names, Entries).Sample((names, entries) =>
    {
        ImmutableArray<string> mapped = Read(names, new GroupMap(entries));

        Assert.Equal(mapped.Distinct(StringComparer.Ordinal), mapped);
        Assert.DoesNotContain(mapped, string.IsNullOrWhiteSpace);
    }, iter: Tries);

    [Fact]
    public void Each_mapped_name_comes_from_the_map_or_is_a_provider_name_without_a_key_in_the_map() => Gen.Select(Names, Entries)
        .Sample((names, entries) =>
            {
                GroupMap map = new(entries);
                HashSet<string> possible = [.. names.Where(name => !string.IsNullOrWhiteSpace(name))
            .Select(name => map.TryMap([name], out string? mapped) ? mapped : name)
            .OfType<string>()];

                Assert.Subset(possible, Read(names, map).ToHashSet());
                Assert.Equal(possible.Where(name => !string.IsNullOrWhiteSpace(name)).ToHashSet(), Read(names, map).ToHashSet());
            }, iter: Tries);

    [Fact]
    public void Without_a_map_the_group_names_are_the_providers_in_the_providers_order() => Names.Sample(names =>
        Assert.Equal(names.Where(name => !string.IsNullOrWhiteSpace(name)).Distinct(StringComparer.Ordinal), Read(names, GroupMap.Empty)), iter: Tries);

    [Fact]
    public void Without_a_map_reading_the_result_again_changes_nothing() => Names.Sample(names =>
    {
        ImmutableArray<string> once = Read(names, GroupMap.Empty);
        Assert.Equal(once, Read(once, GroupMap.Empty));
    }, iter: Tries);

    [Fact]
    public void A_group_keeps_its_position_whatever_groups_follow() => Gen.Select(Names, Names, Entries).Sample((names, more, entries) =>
    {
        GroupMap map = new(entries);
        ImmutableArray<string> fewer = Read(names, map);
        Assert.Equal(fewer, Read(names.AddRange(more), map).Take(fewer.Length));
    }, iter: Tries);

    [Fact]
    public void The_order_of_entries_in_the_group_map_does_not_matter() => Gen.Select(Names, Entries).Sample((names, entries) =>
        Assert.Equal(Read(names, new GroupMap(entries)), Read(names, new GroupMap(entries.Reverse().ToDictionary()))), iter: Tries);

    [Fact]
    public void A_map_that_drops_every_group_yields_an_empty_list_and_not_an_absent_claim() => Names.Sample(names =>
        Assert.Empty(Read(names, new GroupMap(new Dictionary<string, string?> { ["*"] = null }))), iter: Tries);

    [Fact]
    public void Group_objects_with_a_name_are_read_like_the_plain_names() => Gen.Select(Names, Entries).Sample((names, entries) =>
    {
        GroupMap map = new(entries);
        JsonArray objects = [.. names.Select(name => new JsonObject { ["name"] = name })];
        ImmutableArray<string>? read = GroupClaims.Read(Json(new JsonObject { ["groups"] = objects }), "groups", map).Mapped;

        // An array in which every object lacks a usable name says nothing, where texts would say "none".
        Assert.Equal(Read(names, map), read ?? []);
    }, iter: Tries);

    [Fact]
    public void An_allowed_group_is_one_of_the_persons_provider_names_or_mapped_names() => Gen.Select(Names, Entries, Name).Sample((names, entries, allowed) =>
    {
        GroupsOfPerson groups = GroupClaims.Read(Json(new JsonObject { ["groups"] = Array(names) }), "groups", new GroupMap(entries));
        Assert.Equal((names.Contains(allowed) && !string.IsNullOrWhiteSpace(allowed)) || groups.Mapped!.Value.Contains(allowed), groups.IsAllowed([allowed]));
    }, iter: Tries);

    [Fact]
    public void Reading_groups_from_any_JSON_never_throws()
    {
        Gen<string> texts = Gen.OneOf(Name, Gen.String, Gen.Const("groups"), Gen.Const("name"), Gen.Const("id"), Gen.Const("a.b"))
            .Select(text => JsonSerializer.Serialize(text));
        Gen<string> leaves = Gen.OneOf(
            texts,
            Gen.Const("\"\\ud800\""),
            Gen.Const("null"),
            Gen.Const("true"),
            Gen.Const("-1e99"),
            Gen.Const("[]"),
            Gen.Const("{}"));
        Gen<string> Nest(Gen<string> inner) => Gen.OneOf(
            leaves,
            inner.Array[0, 3].Select(items => $"[{string.Join(',', items)}]"),
            Gen.Select(Gen.OneOf(texts, Gen.Const("\"\\udc00x\"")), inner).Array[0, 3]
                .Select(members => $"{{{string.Join(',', members.Select(member => $"{member.Item1}:{member.Item2}"))}}}"));
        Gen.Select(Nest(Nest(Nest(leaves))), Gen.OneOf(Gen.Const("groups"), Gen.Const("a.b"), Gen.Const("groups.name"), Name), Entries)
            .Sample((claims, claim, entries) =>
                {
                    GroupsOfPerson groups = GroupClaims.Read(JsonDocument.Parse(claims).RootElement, claim, new GroupMap(entries));
                    Assert.True(groups.Mapped is not null || groups.Provided.IsEmpty);
                }, iter: Tries);
    }

    private static ImmutableArray<string> Read(ImmutableArray<string> names, GroupMap map) =>
        GroupClaims.Read(Json(new JsonObject { ["groups"] = Array(names) }), "groups", map).Mapped!.Value;

    private static JsonArray Array(ImmutableArray<string> names) => [.. names.Select(name => JsonValue.Create(name))];

    private static JsonElement Json(JsonObject claims) => JsonSerializer.SerializeToElement(claims);
}
