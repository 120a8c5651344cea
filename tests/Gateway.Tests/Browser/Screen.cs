namespace Gateway.Tests.Browser;

/// <summary>What the page is looked at on.</summary>
public enum Screen
{
    /// <summary>1280 × 800.</summary>
    Desktop,

    /// <summary>390 × 844, with touch.</summary>
    Phone,
}
