namespace Gateway.Storage;

/// <summary>A counter of failed credentials.</summary>
/// <param name="Count">Zero where nothing failed lately.</param>
/// <param name="Left">How long the counter still lasts.</param>
internal readonly record struct FailureCount(long Count, TimeSpan Left);
