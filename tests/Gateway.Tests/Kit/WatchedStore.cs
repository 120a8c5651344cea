using System.Collections.Concurrent;
using System.Reflection;
using Gateway.Storage;

namespace Gateway.Tests.Kit;

/// <summary>The gateway's own session store, which notes what is asked of it and does not answer where a test says so.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Performance", "CA1852:Seal internal types", Justification = "DispatchProxy derives from it.")]
internal class WatchedStore : DispatchProxy
{
    private ISessionStore _store = null!;
    private StoreWatch _watch = null!;

    public static ISessionStore Around(ISessionStore store, StoreWatch watch)
    {
        ISessionStore watched = Create<ISessionStore, WatchedStore>();
        ((WatchedStore)(object)watched)._store = store;
        ((WatchedStore)(object)watched)._watch = watch;
        return watched;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        _watch.Asked(targetMethod!.Name);
        return targetMethod.Invoke(_store, args);
    }
}

/// <summary>What a <see cref="WatchedStore"/> was asked, and what it does not answer.</summary>
internal sealed class StoreWatch
{
    private readonly ConcurrentQueue<string> _calls = new();
    private int _failures;

    /// <summary>The methods that were called for a session.</summary>
    public IReadOnlyList<string> Calls => [.. _calls];

    /// <summary>The method that does not answer for now.</summary>
    public string? Away { get; set; }

    /// <summary>The method that fails as no store should.</summary>
    public string? Fails { get; set; }

    /// <summary>What it throws.</summary>
    public Exception FailedWith { get; set; } = new InvalidOperationException("The test has broken it.");

    /// <summary>How often it has thrown it.</summary>
    public int Failures => Volatile.Read(ref _failures);

    public void Forget() => _calls.Clear();

    public void Put(IServiceCollection services)
    {
        Type store = services.Last(service => service.ServiceType == typeof(ISessionStore)).ImplementationType!;
        services.AddSingleton(provider => WatchedStore.Around((ISessionStore)ActivatorUtilities.CreateInstance(provider, store), this));
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
