namespace Gateway.Pages;

/// <summary>What the page of the checks shows.</summary>
public sealed record CheckView(IReadOnlyList<CheckViewLine> Lines, IReadOnlyList<CheckViewAddress> Addresses);

/// <summary>One finding.</summary>
/// <param name="Mark">✔, –, ! or ✘.</param>
/// <param name="Level">The same as a word, for the style sheet and for people who do not see the mark.</param>
public sealed record CheckViewLine(string Mark, string Level, string Subject, string Seen, string? Remedy);

/// <summary>An address that the provider must know.</summary>
public sealed record CheckViewAddress(string Provider, string Use, string Address);
