namespace Gateway.StandIns.Paperless;

/// <summary>What is there at the start.</summary>
internal static class SeedData
{
    private static readonly string[] EditorPermissions =
        [.. Permissions.UiSettings, "view_document", "add_document", "change_document", "view_tag", "view_correspondent"];

    /// <summary>How long the people have had their accounts.</summary>
    private static readonly TimeSpan Age = TimeSpan.FromDays(365);

    public static void Fill(PaperlessData data, StandInPaperlessOptions options)
    {
        if (options.Fresh)
        {
            return;
        }

        StandInUser admin = data.AddUser("admin", user => user with
        {
            Password = "admin",
            Email = "admin@example.com",
            IsStaff = true,
            IsSuperuser = true,
        });
        data.TokenOf("admin");
        data.AddGroup("editors", EditorPermissions);
        data.AddGroup("viewers", [.. Permissions.UiSettings, "view_document"]);
        data.AddDocument("Electricity bill 2024-03");
        data.AddDocument("Rental agreement");
        data.AddDocument("Admin's own letter", owner: admin.Id);

        if (options.WithProductionInterface)
        {
            // The administrator's own is on nobody else's page.
            for (int number = data.Documents.Count; number <= ProductionInterface.DocumentsOnThePage; number++)
            {
                data.AddDocument($"Document {number}");
            }
        }

        if (options.WithPeople)
        {
            foreach (string name in (string[])["alice", "bob"])
            {
                data.AddUser(name, user => user with { Password = name, Permissions = [.. EditorPermissions], Joined = user.Joined - Age });
            }
        }
    }
}
