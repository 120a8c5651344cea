using System.Runtime.CompilerServices;
using Gateway.PasswordSessions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.PasswordSessions;

/// <summary>How long the gateway keeps Paperless's session cookies in memory.</summary>
public sealed class PasswordSessionMemoryTests
{
    [Fact]
    public async Task The_cookie_of_a_session_that_has_ended_is_forgotten()
    {
        await using World world = await World.StartAsync();
        PasswordSessionRegistry sessions = world.Gateway.Services.GetRequiredService<PasswordSessionRegistry>();

        WeakReference<string> cookie = await AskAsync(sessions);

        await Wait.UntilAsync(
            () =>
            {
                GC.Collect();
                return !cookie.TryGetTarget(out _);
            },
            "Nothing holds the cookie any more.");
        Assert.True(sessions.HasEnded(PasswordSessionRegistry.KeyOf("gone-at-paperless")));
    }

    [Fact]
    public async Task A_session_that_is_unused_for_two_weeks_is_forgotten()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        await alice.SessionAsync();
        PasswordSessionRegistry sessions = world.Gateway.Services.GetRequiredService<PasswordSessionRegistry>();

        world.Clock.Advance(TimeSpan.FromDays(13));
        string[] before = [.. sessions.List().Select(session => session.Username)];
        world.Clock.Advance(TimeSpan.FromDays(2));

        Assert.Equal(["alice"], before);
        Assert.Empty(sessions.List());
    }

    /// <summary>On its own, so that no variable of the test holds the cookie.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference<string>> AskAsync(PasswordSessionRegistry sessions)
    {
        string cookie = string.Concat("gone-at-", "paperless".ToLowerInvariant());
        Assert.True((await sessions.FindAsync(cookie, World.Ct)).HasEnded);
        return new WeakReference<string>(cookie);
    }
}
