using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using static Gateway.Tests.StandIns.DevelopmentProviderChecks;
using static Gateway.Tests.StandIns.DevelopmentProviderClient;

namespace Gateway.Tests.StandIns;

/// <summary>The development provider behaves over HTTP as authentik does.</summary>
public sealed class DevelopmentProviderTests
{
    [Fact]
    public async Task A_person_signs_in_at_the_development_provider_and_the_application_gets_the_persons_claims()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        JsonObject tokens = await client.SignInForTokensAsync("alice");

        Assert.Equal("Bearer", tokens["token_type"]!.GetValue<string>());
        Assert.Equal("openid profile email", tokens["scope"]!.GetValue<string>());
        Assert.Equal(300, tokens["expires_in"]!.GetValue<int>());
        Assert.Null(tokens["refresh_token"]);
        Assert.Equal("alice", Payload(tokens)["preferred_username"]!.GetValue<string>());
        using HttpResponseMessage userInfo = await client.UserInfoAsync(tokens["access_token"]!.GetValue<string>());
        Assert.Equal("alice", (await JsonAsync(userInfo))["preferred_username"]!.GetValue<string>());
    }
}
