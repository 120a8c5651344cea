namespace Gateway.Pages;

/// <summary>The address of the retry if the store does not answer. Set for addresses that cannot be requested twice, such as one with a code.</summary>
internal sealed record RetryElsewhere(string Address);

/// <summary>The refusal if the store of sessions and account links does not answer.</summary>
/// <remarks>
/// Known sessions go on meanwhile (`Sessions`: `SessionFreshness`, `SessionRegistry`), and a sign-out is kept until the store is back
/// (`PendingRevocations`).
/// </remarks>
internal static class StoreUnavailableRefusal
{
    public static Refusal Create(HttpContext context, string reason) => WithRetry(
        new(503, "store_away", "One moment, please", "The gateway cannot look up who is signed in.") { Remedy = "Sessions are not lost." },
        context.Features.Get<RetryElsewhere>()?.Address,
        reason);

    /// <summary>The refusal of a page that tries again by itself.</summary>
    /// <param name="address">Where it tries again; null: at its own address.</param>
    /// <param name="reason">What was asked, and what came.</param>
    public static Refusal WithRetry(Refusal refusal, string? address, string reason) =>
        refusal with { RetryAfter = 5, RetryAt = address, ForTheOperator = ForTheOperator(reason) };

    /// <param name="reason">What was asked, and what came.</param>
    public static string ForTheOperator(string reason) =>
        Refusal.Sentences($"the store of sessions and account links failed: {reason}", "check that it runs and has free space");
}
