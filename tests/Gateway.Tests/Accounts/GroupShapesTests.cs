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

    [Theory]
    [InlineData("""{"*": null}""", "\"editors,readers\"", "editors,readers")]
    [InlineData("""{"editors": null}""", "\"editors,readers\"", "editors,readers")]
    [InlineData("""{"Paperless *": null}""", "\"Paperless Users\"", "Paperless Users")]
    [InlineData("""{"editors": null}""", """["/a/editors"]""", "/a/editors")]
    [InlineData("""{"editors": null}""", """["cn=editors,ou=x"]""", "cn=editors,ou=x")]
    public async Task A_text_of_which_the_map_knows_a_part_is_no_group_of_the_whole_text(string map, string claim, string group)
    {
        await using World world = await StartAsync(("GATEWAY_GROUP_MAP", map));
        world.Paperless.Data.AddGroup(group);
        world.Says("groups", JsonNode.Parse(claim));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.DoesNotContain(group, world.Paperless.Data.GroupsOf("alice"));
    }

    [Theory]
    [InlineData("family", false)]
    [InlineData("/fam.*y/", false)]
    [InlineData("family chefs", true)]
    public async Task The_parts_of_a_text_with_blanks_grant_no_access(string allowed, bool opens)
    {
        await using World world = await StartAsync(("GATEWAY_ALLOWED_GROUPS", allowed), ("GATEWAY_GROUP_MAP", """{"chefs": "readers"}"""));
        world.Says("groups", "family chefs");
        using Visitor alice = world.NewVisitor();

        Page page = await alice.SignInAsync("alice");

        Assert.Equal(opens ? HttpStatusCode.OK : HttpStatusCode.Forbidden, page.Status);
    }

    [Fact]
    public async Task The_parts_of_a_text_with_blanks_create_no_groups()
    {
        await using World world = await StartAsync(("GATEWAY_CREATE_GROUPS", "true"));
        world.Says("groups", "editors chefs");

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal(["editors"], world.Paperless.Data.GroupsOf("alice"));
        Assert.Empty(world.Log.Of("GroupCreated"));
    }

    [Fact]
    public async Task The_parts_of_a_text_with_blanks_do_not_revoke_a_flag()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_STAFF_GROUPS"] = "clerks");
        world.Says("groups", new JsonArray("clerks"));
        (await world.SignedInAsync("alice")).Dispose();
        world.Says("groups", "family clerks");

        (await world.SignedInAsync("alice")).Dispose();

        Assert.True(world.Paperless.Data.FindUser("alice")!.IsStaff);
    }

    [Theory]
    [InlineData("""["cn=Gr\\C3\\B6\\C3\\9Fe,ou=x"]""", "Größe")]
    [InlineData("""["cn=Smith\\, Jones,ou=x"]""", "Smith, Jones")]
    [InlineData("""["cn=Smith\\2C Jones,ou=x"]""", "Smith, Jones")]
    [InlineData("""["cn=a\\5Cn,ou=x"]""", "a\\n")]
    [InlineData("""["cn=Gr\\F6,ou=x"]""", null)]
    public async Task Escapes_in_a_distinguished_name_are_octets_of_UTF_8(string claim, string? expected)
    {
        await using World world = await StartAsync(("GATEWAY_CREATE_GROUPS", "true"));
        world.Says("groups", JsonNode.Parse(claim));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.Equal(expected ?? "cn=Gr\\F6,ou=x", Assert.Single(world.Paperless.Data.GroupsOf("alice")));
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
    [InlineData("""{"*": null, "chiefs": "editors"}""", """["cn=chiefs,ou=x"]""", "editors")]
    [InlineData("""{"/.*guests.*/": null, "chiefs": "editors"}""", """["/a/chiefs"]""", "editors")]
    [InlineData("""{"/.*guests.*/": null, "chiefs": "editors"}""", """["/guests/chiefs"]""", "")]
    [InlineData("""{"/guests/*": null, "chiefs": "editors"}""", """["/guests/chiefs"]""", "")]
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
    [InlineData("/cn=dms-[a-z]+.*/", "cn=dms-editors,ou=x", true)]
    [InlineData("nobody, /cn=(a|dms).ou=.*/", "cn=dms,ou=x", true)]
    [InlineData("/a/editors,/dms-.*/", "/a/editors", true)]
    [InlineData("/a/editors,/dms-.*/", "dms-x", true)]
    [InlineData("\"dms\"", "dms", true)]
    [InlineData("[\"/cn=dms-[a-z]+,.*/\"]", "cn=dms-editors,ou=x", true)]
    [InlineData("/cn=dms/", "cn=dms,ou=x", false)]
    [InlineData("/ou=x/", "cn=dms,ou=x", false)]
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
