using System.Collections.Concurrent;
using System.Threading.Channels;
using Gateway.Background;
using Gateway.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Background;

/// <summary>The error handling of background loops, queues and events.</summary>
public sealed class BackgroundLoopTests
{
    private readonly FakeTimeProvider _clock = new();

    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(OperationCanceledException))]
    [InlineData(typeof(NullReferenceException))]
    public async Task A_periodic_loop_continues_after_any_exception(Type kind)
    {
        using CancellationTokenSource stopping = new();
        SemaphoreSlim turns = new(0);
        int turn = 0;
        Task loop = Loop().RunPeriodicallyAsync(
            TimeSpan.FromSeconds(3),
            _ =>
            {
                turns.Release();
                return ++turn == 1 ? throw (Exception)Activator.CreateInstance(kind)! : Task.CompletedTask;
            },
            stopping.Token);

        for (int count = 0; count < 3; count++)
        {
            _clock.Advance(TimeSpan.FromSeconds(3));
            await turns.WaitAsync(World.Ct).InTimeAsync("The loop takes a turn.");
        }

        await stopping.CancelAsync();
        await loop.InTimeAsync("The loop ends.");
        Assert.Equal(3, turn);
    }

    [Fact]
    public async Task Repeated_failures_of_a_loop_back_off_up_to_one_minute()
    {
        using CancellationTokenSource stopping = new();
        List<DateTimeOffset> turns = [];
        Pump pump = new();
        Task loop = pump.Start(() => Loop().RunPeriodicallyAsync(
            TimeSpan.FromSeconds(10),
            _ =>
            {
                turns.Add(_clock.GetUtcNow());
                throw new InvalidOperationException();
            },
            stopping.Token));

        for (int tick = 0; tick < 40; tick++)
        {
            _clock.Advance(TimeSpan.FromSeconds(10));
            pump.RunAll();
        }

        await stopping.CancelAsync();
        pump.RunAll();
        await loop.InTimeAsync("The loop ends.");
        double[] pauses = [.. turns.Zip(turns.Skip(1)).Select(pair => (pair.Second - pair.First).TotalSeconds)];
        Assert.Equal([10, 20, 40, 60, 60, 60], pauses[..6]);
        Assert.All(pauses, pause => Assert.InRange(pause, 10, 60));
    }

    [Fact]
    public async Task A_failing_item_of_a_queue_does_not_stop_the_other_items()
    {
        using CancellationTokenSource stopping = new();
        Channel<int> queue = Channel.CreateUnbounded<int>();
        Channel<int> done = Channel.CreateUnbounded<int>();
        Task loop = Loop().RunQueueAsync(
            queue.Reader,
            (item, _) => item is 1 or 2 ? throw new OperationCanceledException() : done.Writer.WriteAsync(item, CancellationToken.None).AsTask(),
            stopping.Token);
        foreach (int item in Enumerable.Range(1, 4))
        {
            queue.Writer.TryWrite(item);
        }

        Task<int> third = done.Reader.ReadAsync(World.Ct).AsTask();
        await Wait.UntilAsync(
            () =>
            {
                // The back-off after each of the two.
                _clock.Advance(TimeSpan.FromSeconds(1));
                return third.IsCompleted;
            },
            "The loop comes to the third item.");

        Assert.Equal((3, 4), (await third, await done.Reader.ReadAsync(World.Ct).AsTask().InTimeAsync("The loop comes to the fourth item.")));
        await stopping.CancelAsync();
        await loop.InTimeAsync("The loop ends.");
    }

    [Fact]
    public async Task A_failing_logger_or_clock_does_not_stop_a_background_loop()
    {
        using CancellationTokenSource stopping = new();
        FaultyClock clock = new(_clock);
        clock.FailOnceIn(nameof(BackgroundLoop), new InvalidOperationException("The clock is broken."));
        SemaphoreSlim turns = new(0);
        Task loop = new BackgroundLoop("The test", clock, new FaultyLogger<BackgroundLoop>(NullLogger.Instance, "BackgroundWorkFailed")).RunPeriodicallyAsync(
            TimeSpan.FromMilliseconds(1),
            _ =>
            {
                turns.Release();
                throw new InvalidOperationException();
            },
            stopping.Token);

        for (int turn = 1; turn <= 2; turn++)
        {
            await turns.WaitAsync(World.Ct).InTimeAsync($"The loop takes turn {turn}.");
        }

        Assert.True(clock.HasThrown);
        await stopping.CancelAsync();
        await loop.InTimeAsync("The loop ends.");
    }

    [Fact]
    public void A_failing_event_subscriber_does_not_stop_other_subscribers_even_if_logging_fails_too()
    {
        List<string> heard = [];
        Action all = () => throw new InvalidOperationException();
        all += () => heard.Add("second");
        all += () => throw new OperationCanceledException();
        all += () => heard.Add("fourth");

        Subscribers.Raise(all, one => one(), "the test", new FaultyLogger<BackgroundLoop>(NullLogger.Instance, "SubscriberFailed"));
        Subscribers.Raise<Action>(null, one => one(), "the test", NullLogger.Instance);

        Assert.Equal(["second", "fourth"], heard);
    }

    private BackgroundLoop Loop() => new("The test", _clock, NullLogger.Instance);

    /// <summary>Runs a loop on the test's own thread: after <see cref="RunAll"/> the loop waits for the clock again.</summary>
    private sealed class Pump : SynchronizationContext
    {
        private readonly ConcurrentQueue<(SendOrPostCallback Step, object? State)> _steps = new();

        public override void Post(SendOrPostCallback d, object? state) => _steps.Enqueue((d, state));

        public Task Start(Func<Task> loop)
        {
            SynchronizationContext? before = Current;
            SetSynchronizationContext(this);
            try
            {
                return loop();
            }
            finally
            {
                SetSynchronizationContext(before);
            }
        }

        public void RunAll() => Start(() =>
        {
            while (_steps.TryDequeue(out (SendOrPostCallback Step, object? State) next))
            {
                next.Step(next.State);
            }

            return Task.CompletedTask;
        });
    }
}
