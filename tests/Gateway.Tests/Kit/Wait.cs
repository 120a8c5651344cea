namespace Gateway.Tests.Kit;

/// <summary>Waits with a limit. A failure says what did not happen.</summary>
internal static class Wait
{
    /// <summary>Generous, because the machine may be busy. A test must not conclude anything from how much of it a wait took.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(25);

    /// <summary>Asks again and again until the answer is yes.</summary>
    /// <param name="what">What should happen, as a sentence.</param>
    /// <param name="details">More for the text of a failure.</param>
    /// <param name="limit">Shorter than <see cref="Limit"/> where the same happens later for another reason.</param>
    public static async Task UntilAsync(Func<Task<bool>> holds, string what, Func<string>? details = null, TimeSpan? limit = null)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(World.Ct);
        over.CancelAfter(limit ?? Limit);
        try
        {
            while (!await holds().WaitAsync(over.Token))
            {
                await Task.Delay(PollPeriod, over.Token);
            }
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            throw TooLate(what, details);
        }
    }

    /// <inheritdoc cref="UntilAsync(Func{Task{bool}}, string, Func{string}?, TimeSpan?)"/>
    public static Task UntilAsync(Func<bool> holds, string what, Func<string>? details = null, TimeSpan? limit = null) =>
        UntilAsync(() => Task.FromResult(holds()), what, details, limit);

    /// <param name="what">What should happen, as a sentence.</param>
    /// <param name="details">More for the text of a failure.</param>
    /// <param name="limit">Shorter than <see cref="Limit"/> where the same happens later for another reason.</param>
    public static Task InTimeAsync(this Task task, string what, Func<string>? details = null, TimeSpan? limit = null) =>
        WaitAsync(task, limit ?? Limit, what, details, World.Ct);

    /// <inheritdoc cref="InTimeAsync(Task, string, Func{string}?, TimeSpan?)"/>
    public static async Task<T> InTimeAsync<T>(this Task<T> task, string what, Func<string>? details = null, TimeSpan? limit = null)
    {
        await WaitAsync(task, limit ?? Limit, what, details, World.Ct);
        return await task;
    }

    /// <summary>For cleaning up, which goes on after the test was cancelled.</summary>
    public static Task InTimeEvenIfCancelledAsync(this Task task, string what) => WaitAsync(task, Limit, what, details: null, CancellationToken.None);

    /// <summary>Threads of a race start together.</summary>
    public static void Meet(this Barrier start)
    {
        if (!start.SignalAndWait(Limit, World.Ct))
        {
            throw TooLate($"All {start.ParticipantCount} threads of the race are at the start.", details: null);
        }
    }

    private static async Task WaitAsync(Task task, TimeSpan limit, string what, Func<string>? details, CancellationToken cancel)
    {
        try
        {
            await task.WaitAsync(limit, cancel);
        }
        catch (Exception error) when (error is TimeoutException or OperationCanceledException && !task.IsCompleted)
        {
            throw TooLate(what, details);
        }
    }

    private static TimeoutException TooLate(string what, Func<string>? details) => new($"This did not happen in time: {what}\n{details?.Invoke()}".TrimEnd());
}
