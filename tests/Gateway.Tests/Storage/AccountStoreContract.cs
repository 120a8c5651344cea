using Gateway.Storage;

namespace Gateway.Tests.Storage;

/// <summary>What every store of account links and secrets must do.</summary>
public abstract class AccountStoreContract : IAsyncLifetime
{
    private const string Issuer = "https://authentik.example.com/";

    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    private StoreUnderTest _store = null!;

    private IAccountLinkStore Accounts => _store.Accounts;

    private IRefusedSignInStore Refused => _store.RefusedSignIns;

    private static PendingLink Pending(string name, int userId) => new("authentik", name, userId, "2026-01-01T00:00:00Z", Now, Now + PendingLink.Ttl);

    private static RefusedSignIn Refusal(string name, int seconds) =>
        new(Person(name), name, "group_not_allowed", $"reason {seconds}", Now.AddSeconds(seconds));

    private static CancellationToken Ct => StoreUnderTest.Ct;

    private protected abstract Task<StoreUnderTest> StartAsync();

    public async ValueTask InitializeAsync() => _store = await StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task An_account_link_is_found_as_it_was_added()
    {
        AccountLink added = await AddAsync("alice", 7);

        Assert.NotEqual(0, added.Id);
        Assert.Equal(Link("alice", 7) with { Id = added.Id }, added);
        Assert.Equal(added, await Accounts.FindAsync(Person("alice"), Ct));
        Assert.Null(await Accounts.FindAsync(Person("bob"), Ct));
        Assert.Null(await Accounts.FindAsync(Person("alice") with { Issuer = "https://other.example.com/" }, Ct));
    }

    [Fact]
    public async Task A_person_has_one_account_link_and_the_first_one_stays()
    {
        AccountLink first = await AddAsync("alice", 7);

        Assert.Equal(first, await Accounts.AddAsync(Link("alice", 8), onlyToFreeUser: false, Ct));

        Assert.Equal([first], await Accounts.ListAllAsync(Ct));
        Assert.Empty(await Accounts.FindByUserAsync(8, Ct));
    }

    [Fact]
    public async Task Of_concurrent_attempts_to_link_one_person_one_wins()
    {
        AccountLink?[] added = await Task.WhenAll(
            Enumerable.Range(1, 16).Select(user => Task.Run(() => Accounts.AddAsync(Link("alice", user), onlyToFreeUser: false, Ct), Ct)));

        Assert.Equal(Assert.Single(await Accounts.ListAllAsync(Ct)), Assert.Single(added.Distinct()));
    }

    [Fact]
    public async Task Of_concurrent_attempts_to_link_one_unlinked_user_one_wins()
    {
        AccountLink?[] added = await Task.WhenAll(
            Enumerable.Range(1, 16).Select(person => Task.Run(() => Accounts.AddAsync(Link($"person{person}", 7), onlyToFreeUser: true, Ct), Ct)));

        Assert.Equal(Assert.Single(await Accounts.ListAllAsync(Ct)), Assert.Single(added.OfType<AccountLink>()));
    }

    [Fact]
    public async Task A_linked_user_does_not_count_as_unlinked_and_may_get_further_links_explicitly()
    {
        AccountLink alice = await AddAsync("alice", 7);

        Assert.Null(await Accounts.AddAsync(Link("bob", 7), onlyToFreeUser: true, Ct));
        Assert.Equal(alice, await Accounts.AddAsync(Link("alice", 7), onlyToFreeUser: true, Ct));
        AccountLink bob = await AddAsync("bob", 7);
        AccountLink carol = await AddAsync("carol", 9);

        Assert.Equal([alice, bob], await Accounts.FindByUserAsync(7, Ct));
        Assert.Equal([alice, bob, carol], await Accounts.ListAllAsync(Ct));
    }

    [Fact]
    public async Task An_account_link_is_removed_by_its_id_and_user_or_by_its_person()
    {
        AccountLink alice = await AddAsync("alice", 7);
        AccountLink bob = await AddAsync("bob", 7);

        Assert.Null(await Accounts.RemoveAsync(alice.Id, 8, Ct));
        Assert.Null(await Accounts.RemoveAsync(alice.Id + 100, 7, Ct));
        Assert.Equal(alice, await Accounts.RemoveAsync(alice.Id, 7, Ct));
        Assert.Null(await Accounts.RemoveAsync(alice.Id, 7, Ct));
        Assert.Equal(bob, await Accounts.RemoveAsync(Person("bob"), Ct));
        Assert.Null(await Accounts.RemoveAsync(Person("bob"), Ct));

        Assert.Empty(await Accounts.ListAllAsync(Ct));
        Assert.NotNull(await Accounts.AddAsync(Link("carol", 7), onlyToFreeUser: false, Ct));
        Assert.True((await Accounts.FindAsync(Person("carol"), Ct))!.Id > bob.Id, "A number is never given twice.");
    }

    [Fact]
    public async Task A_user_who_was_linked_once_never_counts_as_unlinked_again()
    {
        AccountLink alice = await AddAsync("alice", 7);
        await Accounts.RemoveAsync(alice.Id, 7, Ct);

        Assert.Null(await Accounts.AddAsync(Link("bob", 7), onlyToFreeUser: true, Ct));
        Assert.NotNull(await Accounts.AddAsync(Link("bob", 7) with { Joined = "2027-01-01T00:00:00Z" }, onlyToFreeUser: true, Ct));
    }

    [Fact]
    public async Task A_pending_link_is_found_for_exactly_its_user_name_and_provider_until_it_expires()
    {
        PendingLink pending = Pending("alice", 7);
        await Accounts.AddPendingAsync(pending, Ct);
        await Accounts.AddPendingAsync(Pending("bob", 8), Ct);

        Assert.Equal(pending, await Accounts.FindPendingAsync("authentik", "alice", Now, Ct));
        Assert.Equal(pending, await Accounts.FindPendingAsync("authentik", "alice", Now.AddDays(7).AddSeconds(-1), Ct));
        Assert.Null(await Accounts.FindPendingAsync("authentik", "Alice", Now, Ct));
        Assert.Null(await Accounts.FindPendingAsync("authentik", "alice ", Now, Ct));
        Assert.Null(await Accounts.FindPendingAsync("other", "alice", Now, Ct));
        Assert.Null(await Accounts.FindPendingAsync("authentik", "alice", Now.AddDays(7), Ct));
        Assert.Equal(["alice", "bob"], (await Accounts.ListPendingAsync(Now, Ct)).Select(link => link.ProviderUser));
        Assert.Empty(await Accounts.ListPendingAsync(Now.AddDays(7), Ct));
    }

    [Fact]
    public async Task A_later_pending_link_replaces_an_earlier_one_which_nobody_can_use_any_more()
    {
        PendingLink earlier = Pending("alice", 7);
        PendingLink later = Pending("alice", 8);
        await Accounts.AddPendingAsync(earlier, Ct);
        await Accounts.AddPendingAsync(later, Ct);

        Assert.False(await Accounts.RemovePendingAsync(earlier, Ct));
        Assert.Equal(later, Assert.Single(await Accounts.ListPendingAsync(Now, Ct)));
        Assert.True(await Accounts.RemovePendingAsync(later, Ct));
        Assert.False(await Accounts.RemovePendingAsync(later, Ct));
        Assert.Empty(await Accounts.ListPendingAsync(Now, Ct));
    }

    [Fact]
    public async Task Of_concurrent_uses_of_a_pending_link_one_wins()
    {
        PendingLink pending = Pending("alice", 7);
        await Accounts.AddPendingAsync(pending, Ct);

        bool[] used = await Task.WhenAll(Enumerable.Range(1, 16).Select(_ => Task.Run(() => Accounts.RemovePendingAsync(pending, Ct), Ct)));

        Assert.Single(used, one => one);
    }

    [Fact]
    public async Task The_last_refusal_of_each_person_is_listed_for_a_week_newest_first()
    {
        await Refused.SaveAsync(Refusal("alice", 1), Ct);
        await Refused.SaveAsync(Refusal("bob", 2), Ct);
        await Refused.SaveAsync(Refusal("alice", 3), Ct);

        Assert.Equal([Refusal("alice", 3), Refusal("bob", 2)], await Refused.ListAsync(Now.AddSeconds(3), Ct));
        Assert.Equal([Refusal("alice", 3)], await Refused.ListAsync(Now.AddDays(7).AddSeconds(2), Ct));
        Assert.Empty(await Refused.ListAsync(Now.AddDays(7).AddSeconds(3), Ct));
    }

    [Fact]
    public async Task Of_too_many_refusals_the_newest_stay()
    {
        for (int number = 1; number <= IRefusedSignInStore.MaxEntries + 5; number++)
        {
            await Refused.SaveAsync(Refusal($"person{number}", number), Ct);
        }

        IReadOnlyList<RefusedSignIn> listed = await Refused.ListAsync(Now.AddMinutes(10), Ct);

        Assert.Equal(IRefusedSignInStore.MaxEntries, listed.Count);
        Assert.Equal(("person205", "person6"), (listed[0].Label, listed[^1].Label));
    }

    [Fact]
    public async Task The_label_and_time_of_a_link_are_updated_and_never_by_older_values()
    {
        AccountLink link = await AddAsync("alice", 7);

        await Accounts.UpdateAssertionAsync(link, "Alice", Now.AddSeconds(5), Ct);
        await Accounts.UpdateAssertionAsync(link, "Old", Now.AddSeconds(4), Ct);
        await Accounts.UpdateAssertionAsync(link with { Id = link.Id + 1 }, "Another", Now.AddSeconds(9), Ct);

        Assert.Equal(link with { Label = "Alice", AssertedAt = Now.AddSeconds(5) }, await Accounts.FindAsync(Person("alice"), Ct));
        await Accounts.RemoveAsync(Person("alice"), Ct);
        await Accounts.UpdateAssertionAsync(link, "Back", Now.AddSeconds(9), Ct);
        Assert.Null(await Accounts.FindAsync(Person("alice"), Ct));
        Assert.Empty(await Accounts.ListAllAsync(Ct));
    }

    [Fact]
    public async Task A_reservation_lasts_until_the_account_link_is_added()
    {
        AccountReservation reservation = new(Person("alice"), "alice", "alice@example.com", Now);
        await Accounts.ReserveAsync(reservation with { Username = "first" }, Ct);
        await Accounts.ReserveAsync(reservation, Ct);

        Assert.Equal(reservation, await Accounts.FindReservationAsync(Person("alice"), Ct));
        Assert.Null(await Accounts.FindReservationAsync(Person("bob"), Ct));
        await AddAsync("alice", 7);
        Assert.Null(await Accounts.FindReservationAsync(Person("alice"), Ct));
    }

    [Fact]
    public async Task A_reserved_username_is_taken_for_other_people_for_a_while()
    {
        await Accounts.ReserveAsync(new AccountReservation(Person("alice"), "Alice", "", Now), Ct);

        Assert.True(await Accounts.IsReservedByAnotherAsync("alice", Person("bob"), Now.AddMinutes(-5), Ct));
        Assert.False(await Accounts.IsReservedByAnotherAsync("alice", Person("alice"), Now.AddMinutes(-5), Ct));
        Assert.False(await Accounts.IsReservedByAnotherAsync("alice2", Person("bob"), Now.AddMinutes(-5), Ct));
        Assert.False(await Accounts.IsReservedByAnotherAsync("alice", Person("bob"), Now.AddSeconds(1), Ct));
        await Accounts.RemoveReservationAsync(Person("alice"), Ct);
        Assert.False(await Accounts.IsReservedByAnotherAsync("alice", Person("bob"), Now.AddMinutes(-5), Ct));
        Assert.Null(await Accounts.FindReservationAsync(Person("alice"), Ct));
    }

    [Fact]
    public async Task A_link_refused_for_a_formerly_linked_user_keeps_the_reservation()
    {
        AccountLink link = new(0, Issuer, "mallory", "authentik", "mallory", 7, "2026-01-01T00:00:00Z", Now, Now);
        AccountLink added = (await Accounts.AddAsync(link, onlyToFreeUser: true, Ct))!;
        await Accounts.RemoveAsync(added.Id, 7, Ct);
        await Accounts.ReserveAsync(new AccountReservation(Person("carol"), "carol2", "", Now), Ct);

        Assert.Null(await Accounts.AddAsync(link with { Subject = "carol" }, onlyToFreeUser: true, Ct));
        Assert.NotNull(await Accounts.FindReservationAsync(Person("carol"), Ct));
        Assert.NotNull(await Accounts.AddAsync(link with { Subject = "carol", Joined = "2026-06-01T00:00:00Z" }, onlyToFreeUser: true, Ct));
    }

    [Fact]
    public async Task The_same_subject_at_two_providers_has_two_account_links()
    {
        AccountLink first = await AddAsync("alice", 7);
        AccountLink second = (await Accounts.AddAsync(Link("alice", 8) with { Provider = "other" }, onlyToFreeUser: false, Ct))!;

        Assert.Equal((7, 8), (first.UserId, second.UserId));
        Assert.Equal(first, await Accounts.FindAsync(Person("alice"), Ct));
        Assert.Equal(second, await Accounts.FindAsync(Person("alice", "other"), Ct));
        await Accounts.UpdateAssertionAsync(second, "Noted", Now.AddSeconds(5), Ct);
        Assert.Equal(
            (first.Label, "Noted"),
            ((await Accounts.FindAsync(Person("alice"), Ct))!.Label, (await Accounts.FindAsync(Person("alice", "other"), Ct))!.Label));
        Assert.Equal(first, await Accounts.RemoveAsync(Person("alice"), Ct));
        Assert.Equal([second.Id], (await Accounts.ListAllAsync(Ct)).Select(link => link.Id));
        await Accounts.ReserveAsync(new AccountReservation(Person("bob"), "bob", "", Now), Ct);
        Assert.Null(await Accounts.FindReservationAsync(Person("bob", "other"), Ct));
        Assert.True(await Accounts.IsReservedByAnotherAsync("bob", Person("bob", "other"), Now.AddMinutes(-5), Ct));
    }

    [Fact]
    public async Task A_link_of_a_removed_provider_is_moved_to_the_provider_with_the_same_issuer()
    {
        AccountLink before = await AddAsync("alice", 7);

        Assert.Null(await Accounts.FindAsync(Person("alice", "renamed"), Ct));
        AccountLink? taken = await Accounts.AdoptOrphanAsync(Person("alice", "renamed"), ["renamed", "other"], Ct);

        Assert.Equal(before with { Provider = "renamed" }, taken);
        Assert.Equal(taken, await Accounts.FindAsync(Person("alice", "renamed"), Ct));
        Assert.Null(await Accounts.FindAsync(Person("alice"), Ct));
        Assert.Equal([taken!], await Accounts.ListAllAsync(Ct));
        Assert.Equal([taken!], await Accounts.FindByUserAsync(7, Ct));
        Assert.Equal(taken, await Accounts.RemoveAsync(taken!.Id, 7, Ct));
        Assert.Empty(await Accounts.ListAllAsync(Ct));
        Assert.Null(await Accounts.AdoptOrphanAsync(Person("alice", "renamed"), ["renamed"], Ct));
    }

    [Fact]
    public async Task A_link_is_moved_to_another_provider_only_if_it_is_unambiguous()
    {
        AccountLink configured = await AddAsync("alice", 7);
        Assert.Null(await Accounts.AdoptOrphanAsync(Person("alice", "other"), ["authentik", "other"], Ct));
        Assert.Null(await Accounts.AdoptOrphanAsync(Person("bob", "other"), ["other"], Ct));
        Assert.Null(await Accounts.AdoptOrphanAsync(Person("alice", "other") with { Issuer = "https://other.example.com/" }, ["other"], Ct));

        AccountLink second = (await Accounts.AddAsync(Link("alice", 8) with { Provider = "second" }, onlyToFreeUser: false, Ct))!;
        Assert.Null(await Accounts.AdoptOrphanAsync(Person("alice", "other"), ["other"], Ct));

        AccountLink own = (await Accounts.AddAsync(Link("alice", 9) with { Provider = "other" }, onlyToFreeUser: false, Ct))!;
        Assert.Equal(own, await Accounts.AdoptOrphanAsync(Person("alice", "other"), ["other"], Ct));
        Assert.Equal([configured, second, own], await Accounts.ListAllAsync(Ct));
    }

    [Fact]
    public async Task Of_concurrent_moves_of_one_link_one_wins()
    {
        await AddAsync("alice", 7);
        string[] providers = [.. Enumerable.Range(1, 16).Select(number => $"provider-{number}")];

        AccountLink?[] taken = await Task.WhenAll(
            providers.Select(provider => Task.Run(() => Accounts.AdoptOrphanAsync(Person("alice", provider), providers, Ct), Ct)));

        Assert.Equal(Assert.Single(await Accounts.ListAllAsync(Ct)), Assert.Single(taken.OfType<AccountLink>()));
    }

    [Fact]
    public async Task A_recorded_username_is_kept_and_refers_to_the_last_user()
    {
        Assert.Null(await Accounts.FindHeaderUserAsync("alice", Ct));
        await Accounts.SaveHeaderNameAsync("alice", 7, Ct);
        await Accounts.SaveHeaderNameAsync("älice's", 8, Ct);
        await Accounts.SaveHeaderNameAsync("älice's", 8, Ct);
        await Accounts.SaveHeaderNameAsync("älice's", 9, Ct);

        Assert.Equal((7, 9), (await Accounts.FindHeaderUserAsync("alice", Ct), await Accounts.FindHeaderUserAsync("älice's", Ct)));
        Assert.Null(await Accounts.FindHeaderUserAsync("Alice", Ct));
        Assert.Equal(new Dictionary<string, int> { ["alice"] = 7, ["älice's"] = 9 }, await Accounts.ListHeaderNamesAsync(Ct));
    }

    [Fact]
    public async Task A_stored_secret_is_created_once()
    {
        byte[][] made = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(_ => Task.Factory.StartNew(() => _store.Secrets.GetOrCreate("name", 32), Ct, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

        Assert.All(made, secret => Assert.Equal(made[0], secret));
        Assert.Equal(32, made[0].Length);
        Assert.NotEqual(made[0], _store.Secrets.GetOrCreate("other", 32));
    }

    private async Task<AccountLink> AddAsync(string subject, int user) => (await Accounts.AddAsync(Link(subject, user), onlyToFreeUser: false, Ct))!;

    private static PersonKey Person(string subject, string provider = "authentik") => new(provider, Issuer, subject);

    private static AccountLink Link(string subject, int user)
        => new(0, Issuer, subject, "authentik", subject + "'s näme", user, "2026-01-01T00:00:00Z", Now, Now.AddMilliseconds(1));
}

public sealed class SqliteAccountStoreTests : AccountStoreContract
{
    private protected override Task<StoreUnderTest> StartAsync() => Task.FromResult<StoreUnderTest>(new SqliteUnderTest());
}

[Needs(RealPart.Redis)]
public sealed class RedisAccountStoreTests : AccountStoreContract
{
    private protected override async Task<StoreUnderTest> StartAsync() => await RedisUnderTest.StartAsync();
}
