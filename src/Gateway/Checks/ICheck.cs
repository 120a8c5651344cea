namespace Gateway.Checks;

/// <summary>Checks one thing that a sign-in needs. A check changes no setting, no user and no database.</summary>
internal interface ICheck
{
    /// <summary>The thing, for a finding about the check itself.</summary>
    public string Subject { get; }

    /// <summary>The findings, in the order in which a sign-in meets them. An exception becomes a problem.</summary>
    public Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancel);
}
