using System.Net;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Providers;

/// <summary>Requests to a provider that never answers time out, quickly where a person waits.</summary>
public sealed class ProviderTimeoutTests
{
    [Fact]
    public async Task A_silent_authentication_waits_at_most_two_seconds_for_the_provider_and_then_shows_the_page()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        // The access token has expired, and there is no other way to ask.
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Page page = await GivenUpAsync(world, TimeSpan.FromSeconds(2), () => alice.OpenAsync("/documents/2"));

        Assert.Equal(HttpStatusCode.OK, page.Status);
    }

    [Fact]
    public async Task A_sign_out_waits_at_most_three_seconds_for_the_provider_and_then_ends_locally()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await GivenUpAsync(world, TimeSpan.FromSeconds(3), () => alice.OpenAsync("/accounts/logout/", "same-origin"));

        Assert.Equal("/accounts/login/?loggedout=1", page.Location?.PathAndQuery);
        Assert.Single(world.Log.Of("ProviderSessionNotEnded"));
    }

    private static async Task<Page> GivenUpAsync(World world, TimeSpan timeout, Func<Task<Page>> ask)
    {
        TaskCompletionSource hangs = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Provider.Hold = _ =>
        {
            asked.TrySetResult();
            return hangs.Task;
        };
        try
        {
            Task<Page> page = ask();
            await asked.Task.InTimeAsync("The provider is asked.");
            world.Clock.Advance(timeout - TimeSpan.FromMilliseconds(1));
            Assert.False(page.IsCompleted);
            world.Clock.Advance(TimeSpan.FromMilliseconds(1));
            return await page.InTimeAsync("The gateway gives the provider up.");
        }
        finally
        {
            hangs.SetResult();
        }
    }
}
