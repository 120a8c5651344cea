using System.Collections.Concurrent;
using System.Reflection;
using Gateway.Storage;

namespace Gateway.Tests.Kit;

/// <summary>A proxy of a store interface that records calls and fails or hangs where a test says so.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Performance", "CA1852:Seal internal types", Justification = "DispatchProxy derives from it.")]
internal class WatchedStore<T> : DispatchProxy
    where T : class
{
    private T _store = null!;
    private StoreWatch _watch = null!;

    public static T Around(T store, StoreWatch watch)
    {
        T watched = Create<T, WatchedStore<T>>();
        ((WatchedStore<T>)(object)watched)._store = store;
        ((WatchedStore<T>)(object)watched)._watch = watch;
        return watched;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        _watch.Record(targetMethod!.Name);
        if (targetMethod.Name == _watch.Hanging)
        {
            return _watch.Hang();
        }

        return targetMethod.Invoke(_store, args);
    }
}

/// <summary>The recorded calls of a <see cref="WatchedStore{T}"/>, and the methods that fail or hang.</summary>
internal sealed class StoreWatch
{
    private readonly ConcurrentQueue<string> _calls = new();
    private readonly TaskCompletionSource _hung = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _failures;

    /// <summary>The methods that were called.</summary>
    public IReadOnlyList<string> Calls => [.. _calls];

    /// <summary>The method that throws <see cref="StoreUnavailableException"/>.</summary>
    public string? Unavailable { get; set; }

    /// <summary>The method that never completes and ignores cancellation.</summary>
    public string? Hanging { get; set; }

    /// <summary>Completes at the first call of the hanging method.</summary>
    public Task Hung => _hung.Task;

    /// <summary>The method that throws an unexpected exception.</summary>
    public string? Failing { get; set; }

    /// <summary>The unexpected exception.</summary>
    public Exception Error { get; set; } = new InvalidOperationException("The test has broken it.");

    /// <summary>How often the unexpected exception was thrown.</summary>
    public int Failures => Volatile.Read(ref _failures);

    public void ForgetCalls() => _calls.Clear();

    public void Install(IServiceCollection services)
    {
        Watch<ISessionStore>(services);
        Watch<IReplayCache>(services);
        Watch<ILease>(services);
    }

    private void Watch<T>(IServiceCollection services)
        where T : class
    {
        Type store = services.Last(service => service.ServiceType == typeof(T)).ImplementationType!;
        services.AddSingleton(provider => WatchedStore<T>.Around((T)ActivatorUtilities.CreateInstance(provider, store), this));
    }

    /// <summary>A task that never completes.</summary>
    public Task Hang()
    {
        _hung.TrySetResult();
        return new TaskCompletionSource().Task;
    }

    public void Record(string method)
    {
        if (method == Unavailable)
        {
            throw new StoreUnavailableException("the test has taken it away");
        }

        if (method == Failing)
        {
            Interlocked.Increment(ref _failures);
            throw Error;
        }

        _calls.Enqueue(method);
    }
}
