using System.Net;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignIn;

public sealed class SignInTests
{
    [Fact]
    public async Task A_sign_in_returns_to_the_requested_page()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();
        Page door = await visitor.NavigateAsync("/documents/2");
        Assert.Equal("/accounts/login/?next=%2Fdocuments%2F2", door.Address.PathAndQuery);

        Page page = await visitor.SignInAsync("alice", "/documents/2");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal("/documents/2", page.Address.PathAndQuery);
        Assert.Equal("alice", world.Forwarded[^1].SignedInAs);
        Assert.Equal(["alice"], world.Forwarded[^1].Lines("Remote-User"));
    }
}
