using System.Collections.Immutable;

namespace Gateway.StandIns.Paperless;

/// <summary>What a test makes go wrong. The latest fault that fits a request is the one that strikes.</summary>
internal sealed class Faults
{
    private ImmutableStack<Fault> _faults = [];

    /// <summary>Reads nothing and answers nothing until the test releases the fault; then all goes on as usual.</summary>
    public Fault Hold(Predicate<ReceivedRequest> which) => Add(new Fault(this, which, FaultKind.Hold));

    /// <summary>Answers with this status and a short text, or this JSON.</summary>
    public Fault Answer(Predicate<ReceivedRequest> which, int status, string? json = null) =>
        Add(new Fault(this, which, FaultKind.Answer) { Status = status, Json = json });

    /// <summary>Answers as the test writes it.</summary>
    public Fault Write(Predicate<ReceivedRequest> which, Func<HttpResponse, Task> answer) =>
        Add(new Fault(this, which, FaultKind.Write) { Writes = answer });

    /// <summary>Closes the connection without an answer.</summary>
    public Fault Drop(Predicate<ReceivedRequest> which) => Add(new Fault(this, which, FaultKind.Drop));

    /// <summary>Closes the connection in the middle of the answer's body.</summary>
    public Fault Break(Predicate<ReceivedRequest> which) => Add(new Fault(this, which, FaultKind.Break));

    /// <summary>False when the fault has given the answer.</summary>
    public async Task<bool> LetPassAsync(HttpContext http, ReceivedRequest received, CancellationToken stopping)
    {
        Fault? fault = _faults.FirstOrDefault(candidate => candidate.Which(received));
        if (fault is null)
        {
            return true;
        }

        fault.Hit(received);
        switch (fault.Kind)
        {
            case FaultKind.Hold:
                using (CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping))
                {
                    try
                    {
                        await fault.Released.WaitAsync(either.Token);
                    }
                    catch (OperationCanceledException)
                    {
                        fault.Leave();
                        throw;
                    }
                }

                return true;
            case FaultKind.Answer:
                http.Response.StatusCode = fault.Status;
                http.Response.ContentType = fault.Json is null ? "text/plain" : "application/json";
                await http.Response.WriteAsync(fault.Json ?? "A fault that a test asked for.", http.RequestAborted);
                return false;
            case FaultKind.Write:
                await fault.Writes!(http.Response);
                return false;
            case FaultKind.Break:
                http.Response.ContentType = "application/json";
                http.Response.ContentLength = 1000;
                await http.Response.WriteAsync("{\"count\": 1", http.RequestAborted);
                // Kestrel flushes this and closes the connection, since the rest of the length is missing.
                return false;
            default:
                received.Dropped = true;
                http.Abort();
                return false;
        }
    }

    internal void Remove(Fault fault) => ImmutableInterlocked.Update(
        ref _faults, (faults, gone) => [.. faults.Where(other => other != gone).Reverse()], fault);

    private Fault Add(Fault fault)
    {
        ImmutableInterlocked.Push(ref _faults, fault);
        return fault;
    }
}

internal enum FaultKind
{
    Hold,
    Answer,
    Write,
    Drop,
    Break,
}

/// <summary>One thing that goes wrong until it is disposed of.</summary>
internal sealed class Fault(Faults faults, Predicate<ReceivedRequest> which, FaultKind kind) : IDisposable
{
    private static readonly TimeSpan WaitTimeout = TimeSpan.FromMinutes(1);

    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ReceivedRequest> _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _strikes = new(0);
    private int _hits;

    public Predicate<ReceivedRequest> Which { get; } = which;
    public FaultKind Kind { get; } = kind;
    public int Status { get; init; }
    public string? Json { get; init; }

    public Func<HttpResponse, Task>? Writes { get; init; }

    /// <summary>How many requests it has struck.</summary>
    public int Hits => Volatile.Read(ref _hits);

    public Task Released => _released.Task;

    /// <summary>Whether the client of a request that is held has gone away.</summary>
    public bool HasLeft => _left.Task.IsCompleted;

    /// <summary>Ends when the first request that it strikes is here.</summary>
    public async Task<ReceivedRequest> ArrivedAsync(CancellationToken ct)
    {
        await InTimeAsync(_arrived.Task, "No request came that the fault strikes.", ct);
        return await _arrived.Task;
    }

    /// <summary>Ends when a request is here that no earlier call has waited for.</summary>
    public async Task StruckAsync(CancellationToken ct)
    {
        if (!await _strikes.WaitAsync(WaitTimeout, ct))
        {
            throw new TimeoutException("No request came that the fault strikes.");
        }
    }

    /// <summary>Ends when the client of a request that is held has gone away.</summary>
    public Task LeftAsync(CancellationToken ct) => InTimeAsync(_left.Task, "The client of a request that is held has not gone away.", ct);

    /// <summary>Lets those that are held go on, and the later ones pass.</summary>
    public void Release()
    {
        faults.Remove(this);
        _released.TrySetResult();
    }

    /// <remarks>The semaphore has no handle of the system's: requests that are still under way may use it.</remarks>
    public void Dispose() => Release();

    internal void Leave() => _left.TrySetResult();

    internal void Hit(ReceivedRequest received)
    {
        Interlocked.Increment(ref _hits);
        _arrived.TrySetResult(received);
        _strikes.Release();
    }

    private static async Task InTimeAsync(Task happens, string otherwise, CancellationToken ct)
    {
        try
        {
            await happens.WaitAsync(WaitTimeout, ct);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException(otherwise);
        }
    }
}
