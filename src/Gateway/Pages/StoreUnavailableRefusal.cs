namespace Gateway.Pages;

/// <summary>Where the request is tried again if the store does not answer; this address would not do, as one with a code that counts once.</summary>
internal sealed record RetryElsewhere(string Address);

/// <summary>Words it that the store of sessions and accounts does not answer.</summary>
internal static class StoreUnavailableRefusal
{
    public static Refusal Refusal(HttpContext context, string reason) =>
        new(503, "store_away", "One moment, please", "The gateway cannot look up who is signed in: its store does not answer.")
        {
            Remedy = "Nobody was signed out by this; this page tries again by itself.",
            RetryAfter = 5,
            RetryAt = context.Features.Get<RetryElsewhere>()?.Address,
            ForTheLog = reason,
        };
}
