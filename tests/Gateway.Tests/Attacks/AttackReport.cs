namespace Gateway.Tests.Attacks;

/// <summary>Reports how many inputs an attack has tried.</summary>
internal static class AttackReport
{
    /// <param name="least">The test fails with fewer inputs.</param>
    public static void Write(int count, int least = 1)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"{count} inputs judged");
        Assert.True(count >= least, $"{count} inputs are fewer than {least}.");
    }
}
