using Gateway.Sessions;
using Gateway.Storage;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Sessions;

/// <summary>With real threads: an ended session is never restored, whatever was in progress when it ended.</summary>
public sealed class SessionRaceTests
{
    [Fact]
    public async Task A_load_racing_the_end_of_a_session_never_restores_the_session()
    {
        using SessionsOnDisk sessions = new(capacity: 0);
        for (int round = 0; round < 150; round++)
        {
            (SessionSecret secret, Session session) = await sessions.BeginAsync();

            // Out of memory, so that the loads go to the store while the end is on its way there.
            sessions.Memory.Forget(session);
            using Barrier start = new(4);
            bool over = false;
            int back = 0;
            Task[] loaders = [.. Enumerable.Range(0, 3).Select(_ => Racer.Start(() =>
            {
                start.Meet();
                for (int after = 0; after < 3;)
                {
                    bool ended = Volatile.Read(ref over);
                    if (sessions.FindAsync(secret).GetAwaiter().GetResult() is { } found)
                    {
                        if (ended)
                        {
                            Interlocked.Increment(ref back);
                        }

                        sessions.Memory.Forget(found);
                    }

                    after += ended ? 1 : 0;
                }
            }))];
            try
            {
                start.Meet();
                await sessions.Revocations.EndAsync(session, SessionEnd.SignedOut, SessionsOnDisk.Ct);
            }
            finally
            {
                Volatile.Write(ref over, true);
                await Task.WhenAll(loaders);
            }

            Assert.Equal(0, back);
            Assert.False(sessions.Memory.TryGet(session.Key, out _));
        }
    }

    [Fact]
    public async Task Renewals_racing_the_end_of_a_session_never_restore_the_session()
    {
        using SessionsOnDisk sessions = new();
        int renewed = 0;
        for (int round = 0; round < 150; round++)
        {
            (SessionSecret secret, Session session) = await sessions.BeginAsync();
            using Barrier start = new(3);
            bool over = false;
            Task[] renewers = [.. Enumerable.Range(0, 2).Select(_ => Racer.Start(() =>
            {
                start.Meet();

                // Until it is gone: each time from the version that there is, as a recheck does.
                while (!Volatile.Read(ref over) && MayBeThere(sessions, secret))
                {
                    Interlocked.Increment(ref renewed);
                }
            }))];
            try
            {
                start.Meet();
                Thread.SpinWait(round * 1000);
                await sessions.Revocations.EndAsync(session, SessionEnd.SignedOut, SessionsOnDisk.Ct);
                await Task.WhenAll(renewers).InTimeAsync("The session is gone for those who renew it.");
            }
            finally
            {
                Volatile.Write(ref over, true);
                await Task.WhenAll(renewers);
            }

            Assert.False(sessions.Memory.TryGet(session.Key, out _), $"In memory after round {round}.");
            Assert.Null(await sessions.Store.FindAsync(session.Key.ToBytes(), SessionsOnDisk.Ct));
            Assert.Null(await sessions.FindAsync(secret));
        }

        Assert.True(renewed > 0, "No renewal came in between.");
    }

    /// <summary>Renews it. Ten renewals that the other thread beat say nothing of the session: the store was asked each time and had it.</summary>
    private static bool MayBeThere(SessionsOnDisk sessions, SessionSecret secret)
    {
        try
        {
            return sessions.Registry.RenewAsync(
                secret,
                record => record with { CheckedAt = record.CheckedAt.AddSeconds(1) },
                SessionsOnDisk.Ct).GetAwaiter().GetResult() is not null;
        }
        catch (StoreUnavailableException)
        {
            return true;
        }
    }

    /// <summary>Memory alone, where the window is a few instructions wide.</summary>
    [Fact]
    public void An_addition_racing_the_end_of_a_session_never_leaves_a_session()
    {
        SessionMemory memory = new(1000);
        DateTimeOffset now = DateTimeOffset.UnixEpoch;
        SessionRecord record = new(SessionsOnDisk.Person("alice"), now, now, new ProviderTokens(""));
        for (int round = 0; round < 5_000; round++)
        {
            SessionSecret secret = SessionSecret.Create();
            StoredSession stored = new(secret.Key().ToBytes(), null, [], now, now.AddHours(1), [], []);
            Session session = new(secret, record, stored);
            Parallel.Invoke(
                new ParallelOptions { CancellationToken = SessionsOnDisk.Ct },
                () => memory.Add(session),
                () => memory.MarkEnded(session.Key, now),
                () => memory.Add(new Session(secret, record, stored)));

            Assert.False(memory.TryGet(session.Key, out _), $"Back in round {round}.");
            Assert.Null(memory.Add(session));
        }
    }

    [Fact]
    public async Task Concurrent_uses_ends_sweeps_and_sign_ins_leave_exactly_the_sessions_that_were_not_ended()
    {
        using SessionsOnDisk sessions = new(capacity: 20);
        List<(SessionSecret Secret, Session Session)> all = [];
        for (int made = 0; made < 60; made++)
        {
            all.Add(await sessions.BeginAsync($"person{made}"));
        }

        await Parallel.ForEachAsync(Enumerable.Range(0, 240), SessionsOnDisk.Ct, async (step, cancel) =>
        {
            (SessionSecret secret, Session session) = all[step % 60];
            await sessions.FindAsync(secret);
            if (step < 60 && step % 2 == 0)
            {
                await sessions.Revocations.EndAsync(session, SessionEnd.SignedOut, cancel);
            }
            else if (step % 40 == 1)
            {
                await sessions.Maintenance.TidyAsync(cancel);
            }
        });

        Assert.Equal(30, sessions.Rows());
        for (int number = 0; number < all.Count; number++)
        {
            Assert.Equal(number % 2 == 1, await sessions.FindAsync(all[number].Secret) is not null);
        }
    }
}
