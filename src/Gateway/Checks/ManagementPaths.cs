namespace Gateway.Checks;

/// <summary>A path of the management address that a check asks.</summary>
internal static class ManagementPaths
{
    /// <summary>Answers the number of this run, see <see cref="GatewayRun"/>.</summary>
    public const string Run = "/health/run";
}
