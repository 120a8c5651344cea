namespace Gateway.Tests;

public sealed class Smoke
{
    [Fact]
    public void Numbers_add_up() => Assert.Equal(2, 1 + 1);
}
