using Gateway.Settings;

namespace Gateway.Checks;

/// <summary>Runs all checks at the same time, each with a time limit, so that one fault never hides another.</summary>
/// <param name="checks">In the order of their registration, which is the order in which a sign-in meets the things.</param>
internal sealed class CheckRunner(IEnumerable<ICheck> checks, TimeProvider time)
{
    /// <summary>The limit of each check. Requests of a check have shorter limits of their own.</summary>
    public static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(20);

    public async Task<CheckReport> RunAsync(CancellationToken cancel)
    {
        IReadOnlyList<Finding>[] findings = await Task.WhenAll(checks.Select(check => RunAsync(check, cancel)));
        return new CheckReport([.. findings.SelectMany(several => several)], time.GetUtcNow());
    }

    private async Task<IReadOnlyList<Finding>> RunAsync(ICheck check, CancellationToken cancel)
    {
        using Deadline deadline = new(CheckTimeout, time, cancel);
        try
        {
            // The others begin before this one ends, even if it never waits.
            await Task.Yield();
            return await check.RunAsync(deadline.Token).WaitAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return [Finding.Problem(check.Subject, $"the check did not end in {CheckTimeout.TotalSeconds:0} s", "Look at the other findings, and try again")];
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return [Finding.Problem(check.Subject, $"the check failed ({error.Message.TrimEnd('.')})", "Report it if it stays")];
        }
    }
}
