namespace Gateway.ReadAhead;

/// <summary>
/// Asks Paperless for what a page of its interface will ask for, while the browser still loads the page's scripts. `GATEWAY_READ_AHEAD=false` switches
/// it off.
/// </summary>
internal static class ReadAheadFeature
{
    public static void AddReadAhead(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(ReadAheadLimits.Default);
        builder.Services.AddSingleton<ReadAheadMetrics>();
        builder.Services.AddSingleton<RememberedPages>();
        builder.Services.AddSingleton<OpenedPages>();
        builder.Services.AddSingleton<AnswersAhead>();
    }
}
