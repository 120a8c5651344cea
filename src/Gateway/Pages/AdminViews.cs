namespace Gateway.Pages;

/// <summary>The overview at `/gateway/admin`.</summary>
/// <param name="Status">Of all health checks together.</param>
/// <param name="Health">The name and the result of each check, in English as at `/health/ready`.</param>
public sealed record AdminOverview(PageText Status, IReadOnlyList<AdminField> Health);

/// <summary>A list of the admin pages.</summary>
/// <param name="Path">Below the script name.</param>
/// <param name="Introduction">What the list holds.</param>
/// <param name="Rows">Those of this page.</param>
public sealed record AdminList(PageText Title, string Path, PageText Introduction, IReadOnlyList<AdminRow> Rows)
{
    /// <summary>The label of the search field; null for a list without a search.</summary>
    public PageText? SearchLabel { get; init; }

    public string Search { get; init; } = "";

    /// <summary>From 1.</summary>
    public int Page { get; init; } = 1;

    /// <summary>How many rows all pages have.</summary>
    public int Total { get; init; }

    public bool HasNext { get; init; }

    /// <summary>What the last form has done; null if the page does not follow a form.</summary>
    public PageText? Result { get; init; }

    /// <summary>What the list cannot show; null if it shows everything.</summary>
    public PageText? Warning { get; init; }
}

/// <summary>An entry of a list.</summary>
/// <param name="Title">A name, which is not translated.</param>
public sealed record AdminRow(string Title, IReadOnlyList<AdminField> Fields)
{
    /// <summary>What can be done with it, each on a page that asks first.</summary>
    public IReadOnlyList<PageLink> Actions { get; init; } = [];
}

/// <summary>A property of an entry.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Text">Its value; null where it is a time.</param>
public sealed record AdminField(PageText Name, PageText? Text)
{
    /// <param name="value">A name or a number, which is not translated.</param>
    public AdminField(PageText name, string value)
        : this(name, PageText.Verbatim(value))
    {
    }

    public AdminField(PageText name, DateTimeOffset time)
        : this(name, (PageText?)null) => Time = time;

    public DateTimeOffset? Time { get; }
}

/// <summary>The question before a change.</summary>
/// <param name="Path">Takes the form; below the script name.</param>
/// <param name="Hidden">The name and the value of the hidden field.</param>
/// <param name="Button">What happens.</param>
/// <param name="BackPath">The list; below the script name.</param>
public sealed record AdminQuestion(
    PageText Title,
    PageText Text,
    IReadOnlyList<AdminField> Fields,
    string Path,
    (string Name, string Value) Hidden,
    PageText Button,
    string BackPath)
{
    /// <summary>What may undo the change later; null for nothing.</summary>
    public PageText? Note { get; init; }

    /// <summary>The field name and the label of a checkbox; null for none.</summary>
    public (string Name, PageText Label)? Checkbox { get; init; }
}
