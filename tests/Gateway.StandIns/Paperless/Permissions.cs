using System.Collections.Frozen;

namespace Gateway.StandIns.Paperless;

/// <summary>The codenames of Django's permissions, four for each model.</summary>
internal static class Permissions
{
    /// <summary>What a user needs so that the page does not end in "Error loading settings".</summary>
    public static readonly string[] UiSettings = ["view_uisettings", "add_uisettings", "change_uisettings"];

    private static readonly string[] Actions = ["add", "change", "delete", "view"];

    private static readonly FrozenDictionary<string, string> Apps = new Dictionary<string, string>
    {
        ["user"] = "auth",
        ["group"] = "auth",
        ["document"] = "documents",
        ["tag"] = "documents",
        ["correspondent"] = "documents",
        ["documenttype"] = "documents",
        ["storagepath"] = "documents",
        ["savedview"] = "documents",
        ["paperlesstask"] = "documents",
        ["uisettings"] = "documents",
        ["note"] = "documents",
        ["sharelink"] = "documents",
        ["workflow"] = "documents",
        ["customfield"] = "documents",
        ["mailaccount"] = "paperless_mail",
        ["mailrule"] = "paperless_mail",
        ["applicationconfiguration"] = "paperless",
    }.ToFrozenDictionary();

    public static readonly FrozenSet<string> All =
        Apps.Keys.SelectMany(model => Actions.Select(action => $"{action}_{model}")).ToFrozenSet();

    /// <summary>view_document as Django writes it in full: documents.view_document.</summary>
    public static string InFull(string codename) => $"{Apps[codename[(codename.IndexOf('_') + 1)..]]}.{codename}";
}
