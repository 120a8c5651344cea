namespace Gateway.ReadAhead;

/// <summary>The limits of reading ahead; tests set smaller ones.</summary>
/// <param name="Lifetime">How long an answer is held, how late a request still belongs to the opening of a page, and how long a request waits.</param>
/// <param name="MaxRequests">The requests that are remembered of one page.</param>
/// <param name="MaxPages">The pages of one person whose requests are remembered.</param>
/// <param name="MaxPeople">The people whose pages are remembered.</param>
/// <param name="MaxAnswerBytes">A larger answer is not held.</param>
/// <param name="MaxTotalBytes">Memory of all answers that are held.</param>
/// <param name="ConcurrentPerPage">Paperless has few workers, and the page asks for one thing after the other.</param>
/// <param name="Concurrent">Questions ahead of all people at the same time.</param>
internal sealed record ReadAheadLimits(
    TimeSpan Lifetime,
    int MaxRequests,
    int MaxPages,
    int MaxPeople,
    int MaxAnswerBytes,
    long MaxTotalBytes,
    int ConcurrentPerPage,
    int Concurrent)
{
    public static readonly ReadAheadLimits Default = new(TimeSpan.FromSeconds(2), 12, 8, 125, 512 * 1024, 8 * 1024 * 1024, 2, 8);
}
