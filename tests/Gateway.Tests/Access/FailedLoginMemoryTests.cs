using Gateway.Access;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Access;

/// <summary>The memory for failures and for verified credentials is bounded.</summary>
public sealed class FailedLoginMemoryTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public void The_oldest_counters_go_first()
    {
        FailureMemory memory = new(capacity: 3, _clock);
        foreach (char counter in "abcad")
        {
            memory.Add($"{counter}", limit: 10, Minute);
        }

        Assert.Equal("0111", string.Concat("abcd".Select(counter => memory.Read($"{counter}").Count)));
    }

    [Fact]
    public void A_counter_that_was_removed_and_begun_again_is_not_dropped_in_the_place_of_the_old_one()
    {
        FailureMemory memory = new(capacity: 3, _clock);
        memory.Add("a", limit: 10, Minute);
        memory.Remove("a");
        memory.Add("a", limit: 10, Minute);
        memory.Add("b", limit: 10, Minute);
        memory.Add("c", limit: 10, Minute);

        Assert.Equal(1, memory.Read("a").Count);
    }

    [Fact]
    public void A_verified_credential_stays_while_it_is_used_and_is_forgotten_after_a_day_without_use()
    {
        VerifiedCredentials verified = new(_clock);
        CredentialKey used = CredentialKey.From("used");
        CredentialKey unused = CredentialKey.From("unused");
        verified.Add(used);
        verified.Add(unused);
        for (int hours = 0; hours < 36; hours += 6)
        {
            Assert.True(verified.Contains(used));
            _clock.Advance(TimeSpan.FromHours(6));
        }

        Assert.True(verified.Contains(used));
        Assert.False(verified.Contains(unused));
    }

    [Fact]
    public void Verified_credentials_are_bounded()
    {
        VerifiedCredentials verified = new(_clock);
        CredentialKey[] keys = [.. Enumerable.Range(0, (VerifiedCredentials.MaxPerGeneration * 2) + 1).Select(number => CredentialKey.From($"{number}"))];
        foreach (CredentialKey key in keys)
        {
            verified.Add(key);
        }

        Assert.False(verified.Contains(keys[0]));
        Assert.True(verified.Contains(keys[^1]));
    }

    [Fact]
    public void Finding_a_verified_credential_allocates_nothing()
    {
        VerifiedCredentials verified = new(_clock);
        const string header = "Token 0123456789abcdef0123456789abcdef01234567";
        verified.Add(CredentialKey.From(header));
        Assert.True(verified.Contains(CredentialKey.From(header)));

        long before = GC.GetAllocatedBytesForCurrentThread();
        bool found = verified.Contains(CredentialKey.From(header));

        Assert.Equal((true, 0), (found, GC.GetAllocatedBytesForCurrentThread() - before));
    }
}
