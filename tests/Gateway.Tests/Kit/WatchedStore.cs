using System.Collections.Concurrent;
using System.Reflection;
using Gateway.Storage;

namespace Gateway.Tests.Kit;

/// <summary>One interface of the gateway's own store, which notes what is asked of it and does not answer where a test says so.</summary>
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
        _watch.Asked(targetMethod!.Name);
        if (targetMethod.Name == _watch.Silent)
        {
            return _watch.Silence();
        }

        return targetMethod.Invoke(_store, args);
    }
}

/// <summary>What a <see cref="WatchedStore{T}"/> was asked, and what it does not answer.</summary>
internal sealed class StoreWatch
{
    private readonly ConcurrentQueue<string> _calls = new();
    private readonly TaskCompletionSource _silenced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _failures;

    /// <summary>The methods that were called for a session.</summary>
    public IReadOnlyList<string> Calls => [.. _calls];

    /// <summary>The method that does not answer for now.</summary>
    public string? Away { get; set; }

    /// <summary>The method without a result that never ends, whatever is cancelled.</summary>
    public string? Silent { get; set; }

    /// <summary>Ends with the first call of the silent method.</summary>
    public Task Silenced => _silenced.Task;

    /// <summary>The method that fails as no store should.</summary>
    public string? Fails { get; set; }

    /// <summary>What it throws.</summary>
    public Exception FailedWith { get; set; } = new InvalidOperationException("The test has broken it.");

    /// <summary>How often it has thrown it.</summary>
    public int Failures => Volatile.Read(ref _failures);

    public void Forget() => _calls.Clear();

    public void Put(IServiceCollection services)
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

    /// <summary>An answer that never comes.</summary>
    public Task Silence()
    {
        _silenced.TrySetResult();
        return new TaskCompletionSource().Task;
    }

    public void Asked(string method)
    {
        if (method == Away)
        {
            throw new StoreUnavailableException("the test has taken it away");
        }

        if (method == Fails)
        {
            Interlocked.Increment(ref _failures);
            throw FailedWith;
        }

        _calls.Enqueue(method);
    }
}
