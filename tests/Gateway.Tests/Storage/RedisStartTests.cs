using System.Threading.Channels;
using Gateway.Settings;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Storage;

/// <summary>A gateway that starts before its Redis.</summary>
public sealed class RedisStartTests
{
    [Fact]
    public async Task Connecting_to_an_unavailable_Redis_at_the_start_is_retried_and_then_times_out()
    {
        WatchedClock clock = new();
        StorageSettings settings = StoreUnderTest.Settings($"redis://127.0.0.1:{World.FreePort()}").Storage;
        using RedisConnection connection = new(settings, clock, NullLogger<RedisConnection>.Instance);

        Task opening = connection.OpenAsync();
        await clock.TimerAsync();
        clock.Advance(TimeSpan.FromSeconds(9));
        await clock.TimerAsync();
        Assert.False(opening.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(2));

        SettingsException given = await Assert.ThrowsAsync<SettingsException>(() => opening.InTimeAsync("The gateway gives up."));
        Assert.Contains("GATEWAY_REDIS_URL", given.Message, StringComparison.Ordinal);
    }

    private sealed class WatchedClock : FakeTimeProvider
    {
        private readonly Channel<TimeSpan> _timers = Channel.CreateUnbounded<TimeSpan>();

        /// <summary>Ends when a timer is set that no earlier call has waited for.</summary>
        public Task<TimeSpan> TimerAsync() => _timers.Reader.ReadAsync(World.Ct).AsTask().InTimeAsync("The gateway sets a timer.");

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ITimer timer = base.CreateTimer(callback, state, dueTime, period);
            _timers.Writer.TryWrite(dueTime);
            return timer;
        }
    }
}
