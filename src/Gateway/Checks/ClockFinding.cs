namespace Gateway.Checks;

/// <summary>Compares the `Date` header of a server with the gateway's clock (RFC 9110, section 6.6.1).</summary>
internal static class ClockFinding
{
    /// <summary>The gateway accepts tokens whose times differ by two minutes at most.</summary>
    private static readonly TimeSpan Tolerated = TimeSpan.FromMinutes(1);

    /// <returns>Null where the server gives no date.</returns>
    public static Finding? Of(string subject, DateTimeOffset? date, DateTimeOffset now)
    {
        if (date is not { } theirs)
        {
            return null;
        }

        TimeSpan difference = theirs - now;
        string seconds = $"{Math.Abs(difference.TotalSeconds):0} s";
        if (difference.Duration() <= Tolerated)
        {
            return Finding.Good(subject, "as the gateway's");
        }

        string seen = difference > TimeSpan.Zero ? $"{seconds} ahead of the gateway's" : $"{seconds} behind the gateway's";
        return Finding.Problem(subject, seen, "Set both clocks by NTP: tokens are refused whose times are off by more than two minutes");
    }
}
