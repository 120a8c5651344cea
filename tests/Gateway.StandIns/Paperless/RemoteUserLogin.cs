namespace Gateway.StandIns.Paperless;

/// <summary>Django's PersistentRemoteUserMiddleware with Paperless's exception for the API.</summary>
internal static class RemoteUserLogin
{
    public static void Apply(Visit visit)
    {
        StandInPaperlessOptions options = visit.Site.Options;
        // Paperless asks whether the path contains /api/, not whether it begins with it.
        if (!options.RemoteUser || (!options.RemoteUserApi && visit.Path.Contains("/api/", StringComparison.Ordinal)))
        {
            return;
        }

        // Without the header the session goes on; that is what "persistent" means.
        if (visit.RemoteUser() is not { } name)
        {
            return;
        }

        if (visit.User is { } user)
        {
            if (user.Name == name)
            {
                return;
            }

            // A session that a password began outlives an empty header.
            if (visit.Session is { ByHeader: true })
            {
                visit.LogOut();
            }
        }

        if (Authenticate(visit.Data, name) is { } named)
        {
            visit.LogIn(named, byHeader: true);
        }
    }

    /// <summary>Django's RemoteUserBackend: nothing in the name is checked, and who is not there is made.</summary>
    public static StandInUser? Authenticate(PaperlessData data, string name) =>
        name.Length > 0 && data.FindOrAddUser(name) is { IsActive: true } user ? user : null;
}
