namespace Gateway.Checks;

/// <summary>The faults of the last run of <see cref="StartupChecks"/> with which nobody can sign in, for the health checks.</summary>
internal sealed class SignInFaults
{
    private volatile IReadOnlyList<Finding> _faults = [];

    /// <summary>The fault in how Paperless is used; null without one.</summary>
    public Finding? OfPaperless => _faults.FirstOrDefault(fault => fault.Provider is null);

    /// <summary>The fault in how a provider is used; null without one.</summary>
    public Finding? OfProvider(string id) => _faults.FirstOrDefault(fault => fault.Provider == id);

    public void Update(CheckReport report) => _faults = [.. report.Findings.Where(finding => finding.PreventsSignIn)];
}
