using System.Net;
using System.Text.Json.Nodes;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Accounts;

/// <summary>The forms in which providers send groups, and the groups in Paperless that come of them.</summary>
public sealed class GroupShapesTests
{
    [Theory]
    [InlineData("\"editors,readers\"")]
    [InlineData("\"editors, readers\"")]
    [InlineData("\"editors;readers\"")]
    [InlineData("\"editors readers\"")]
    [InlineData("\"[\\\"editors\\\", \\\"readers\\\"]\"")]
    [InlineData("\"cn=editors,ou=groups,dc=example;cn=readers,ou=groups,dc=example\"")]
    [InlineData("""["cn=editors,ou=groups,dc=example", "CN=readers, OU=groups"]""")]
    [InlineData("""["/a/editors", "/readers"]""")]
    [InlineData("\"/a/editors /readers\"")]
    [InlineData("""{"editors": {"1234": "example.com"}, "readers": {"1234": "example.com"}}""")]
    [InlineData("""{"editors": true, "readers": true, "viewers": false}""")]
    [InlineData("""[{"editors": {"1234": "example.com"}}, {"readers": {}}]""")]
    [InlineData("""[{"name": "editors"}, {"id": "readers"}]""")]
    public async Task Each_form_of_the_groups_claim_leads_to_the_same_groups(string claim)
    {
        await using World world = await StartAsync();
        world.Says("groups", JsonNode.Parse(claim));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal(["editors", "readers"], world.Paperless.Data.GroupsOf("alice").Order());
        Assert.Empty(world.Log.Of("GroupsUnreadable"));
    }

    [Theory]
    [InlineData("\"Paperless Users\"", "Paperless Users")]
    [InlineData("\"Smith, Jones\"", "Smith, Jones")]
    [InlineData("""["/a/editors"]""", "/a/editors")]
    [InlineData("""["Paperless Users"]""", "Paperless Users")]
    public async Task A_group_of_the_whole_name_takes_precedence_over_the_parts_of_the_name(string claim, string expected)
    {
        await using World world = await StartAsync();
        foreach (string name in new[] { "Paperless Users", "Smith, Jones", "/a/editors", "Users" })
        {
            world.Paperless.Data.AddGroup(name);
        }

        world.Says("groups", JsonNode.Parse(claim));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal([expected], world.Paperless.Data.GroupsOf("alice"));
    }

    [Fact]
    public async Task Several_claims_are_added_together()
    {
        await using World world = await StartAsync(("GATEWAY_GROUPS_CLAIM", "groups, realm_access.roles,absent"));
        world.Provider.TamperIdToken = world.Provider.TamperUserInfo = claims =>
        {
            claims["groups"] = new JsonArray("editors");
            claims["realm_access"] = new JsonObject { ["roles"] = new JsonArray("readers") };
            return claims;
        };

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal(["editors", "readers"], world.Paperless.Data.GroupsOf("alice").Order());
    }

    [Theory]
    [InlineData("""{"/cn=([^,]+),ou=dms,.*/": "$1", "/cn=.*/": null}""", """["cn=editors,ou=dms,dc=x", "cn=readers,ou=guests,dc=x"]""", "editors")]
    [InlineData("""{"chiefs": "editors, readers"}""", """["chiefs"]""", "editors readers")]
    [InlineData("""{"cn=chiefs,ou=x": "editors"}""", """["cn=chiefs,ou=x"]""", "editors")]
    [InlineData("""{"chiefs": "editors"}""", """["cn=chiefs,ou=x"]""", "editors")]
    [InlineData("""{"chiefs": "Smith\\, Jones"}""", """["chiefs"]""", "Smith, Jones")]
    [InlineData("""{"dms-*": "*"}""", """["dms-readers,editors"]""", "")]
    [InlineData("""{"/dms-(.*)/": "$1"}""", """["dms-readers,editors"]""", "")]
    [InlineData("""{"/edit/": "editors"}""", """["editx"]""", "")]
    [InlineData("""{"/(a+)+b/": "editors"}""", """["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"]""", "")]
    public async Task The_group_map_takes_patterns_and_several_groups(string map, string claim, string expected)
    {
        await using World world = await StartAsync(("GATEWAY_GROUP_MAP", map));
        world.Paperless.Data.AddGroup("Smith, Jones");
        world.Says("groups", JsonNode.Parse(claim));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal(expected, string.Join(expected.Contains(',', StringComparison.Ordinal) ? ", " : " ", world.Paperless.Data.GroupsOf("alice").Order()));
    }

    [Theory]
    [InlineData("/cn=dms-[a-z]+,.*/", "cn=dms-editors,ou=x", true)]
    [InlineData("nobody, /cn=(a|dms),ou=.*/", "cn=dms,ou=x", true)]
    [InlineData("/cn=dms/", "cn=dms,ou=x", false)]
    [InlineData("/ou=x/", "cn=dms,ou=x", false)]
    [InlineData("\"cn=dms,ou=x\",nobody", "cn=dms,ou=x", true)]
    [InlineData("[\"nobody\", \"cn=dms,ou=x\"]", "cn=dms,ou=x", true)]
    [InlineData("[\"/cn=dms,.*/\"]", "cn=dms,ou=x", true)]
    [InlineData("[\"cn=dms,ou=y\"]", "cn=dms,ou=x", false)]
    [InlineData("dms", "cn=dms,ou=x", true)]
    [InlineData("/a/dms", "/a/dms", true)]
    [InlineData("dms", "/a/dms", true)]
    [InlineData("a", "/a/dms", false)]
    public async Task Allowed_groups_take_patterns_and_names_with_commas(string allowed, string group, bool opens)
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_ALLOWED_GROUPS"] = allowed);
        world.Says("groups", new JsonArray(group));
        using Visitor alice = world.NewVisitor();

        Page page = await alice.SignInAsync("alice");

        Assert.Equal(opens ? HttpStatusCode.OK : HttpStatusCode.Forbidden, page.Status);
    }

    [Theory]
    [InlineData("""["/guests/admins"]""", false)]
    [InlineData("""["cn=admins,ou=guests"]""", false)]
    [InlineData("\"not admins\"", false)]
    [InlineData("\"family,admins\"", true)]
    [InlineData("""["admins"]""", true)]
    public async Task The_short_name_of_a_group_makes_nobody_a_superuser(string claim, bool isSuperuser)
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_SUPERUSER_GROUPS"] = "admins");
        world.Says("groups", JsonNode.Parse(claim));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal(isSuperuser, world.Paperless.Data.FindUser("alice")!.IsSuperuser);
    }

    private static async Task<World> StartAsync(params (string Name, string Value)[] settings)
    {
        World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS"] = "true";
            foreach ((string name, string value) in settings)
            {
                options.Settings[name] = value;
            }
        });
        foreach (string group in new[] { "editors", "readers" })
        {
            world.Paperless.Data.AddGroup(group);
        }

        return world;
    }
}
