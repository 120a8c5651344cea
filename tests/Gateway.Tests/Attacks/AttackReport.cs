namespace Gateway.Tests.Attacks;

/// <summary>How many inputs an attack has tried, for the report.</summary>
internal static class AttackReport
{
    /// <param name="least">Fewer would be another test than the one that was meant.</param>
    public static void Write(int count, int least = 1)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"{count} inputs judged");
        Assert.True(count >= least, $"{count} inputs are fewer than {least}.");
    }
}
