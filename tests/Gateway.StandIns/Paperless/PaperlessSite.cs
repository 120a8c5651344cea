namespace Gateway.StandIns.Paperless;

/// <summary>What all requests to one stand-in share.</summary>
internal sealed class PaperlessSite(StandInPaperlessOptions options, CancellationToken stopping)
{
    public const string Version = "3.0.5";

    public StandInPaperlessOptions Options { get; } = options;
    public PaperlessData Data { get; } = new(options);
    public LiveStatus LiveStatus { get; } = new(stopping);
    public PythonWorker? Worker { get; } = options.WithProductionInterface ? new() : null;
    public ScriptedStream? Chat { get; set; }
    public CancellationToken Stopping { get; } = stopping;

    /// <summary>Paperless's BASE_URL: the script name with a slash.</summary>
    public string Base => Options.ScriptName + "/";

    public string LoginUrl => Base + "accounts/login/";
}
