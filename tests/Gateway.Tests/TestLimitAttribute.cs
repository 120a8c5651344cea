using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using Gateway.Tests;
using Xunit.v3;

[assembly: TestLimit(Minutes = 10)]

namespace Gateway.Tests;

/// <summary>Cancels a test that runs for too long. A test that goes on after it was cancelled ends the run, which could not end otherwise.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class TestLimitAttribute : BeforeAfterTestAttribute
{
    private static readonly TimeSpan CancellationTimeout = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Timer> _timers = new();

    public double Minutes { get; set; }

    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        ITestContext context = TestContext.Current;
        _timers[test.UniqueID] = new Timer(_ => Cancel(context, test), null, TimeSpan.FromMinutes(Minutes), CancellationTimeout);
    }

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (_timers.TryRemove(test.UniqueID, out Timer? timer))
        {
            timer.Dispose();
        }
    }

    private void Cancel(ITestContext context, IXunitTest test)
    {
        if (Debugger.IsAttached)
        {
            return;
        }

        if (context.CancellationToken.IsCancellationRequested)
        {
            Environment.FailFast($"{test.TestDisplayName} goes on {CancellationTimeout.TotalMinutes} minute after it was cancelled. The run ends.");
        }

        Console.Error.WriteLine($"{test.TestDisplayName} has not ended in {Minutes} minutes and is cancelled.");
        context.CancelCurrentTest();
    }
}
