using System.Globalization;

namespace Gateway.StandIns.Paperless;

/// <summary>The own profile, its connected accounts and its API token; and <c>/api/token/</c>, which trades a password for one.</summary>
internal static class ProfileApi
{
    public static readonly ApiView Profile = new()
    {
        Get = visit => visit.Reply.Json(Shown(visit.User!)),
        Patch = UpdateAsync,
    };

    public static readonly ApiView GenerateToken = new()
    {
        Post = visit =>
        {
            visit.Data.UpdateUser(visit.User!.Id, user => user with { Token = null });
            return visit.Reply.Json(visit.Data.TokenOf(visit.User.Name));
        },
    };

    public static readonly ApiView Providers = new()
    {
        Get = visit => visit.Reply.Json(visit.Site.Options.SocialProviders
            .OrderBy(provider => provider.Name, StringComparer.Ordinal)
            .Select(provider => new
            {
                name = provider.Name,
                login_url = $"{visit.Site.Base}{provider.LoginPath}?process=connect",
            })),
    };

    public static readonly ApiView Disconnect = new() { Post = DisconnectAsync };

    public static readonly ApiView Token = new() { Anyone = true, Post = ObtainTokenAsync };

    private static Task UpdateAsync(Visit visit)
    {
        UserForm form = new UserForm(visit.Data, visit.Body, visit.User!.Id);
        SortedDictionary<string, string[]> errors = form.Errors(partial: true);
        if (errors.TryGetValue("email", out string[]? email))
        {
            return visit.Reply.Json(new { email }, StatusCodes.Status400BadRequest);
        }

        // The profile's form knows these four fields and no others.
        StandInUser? updated = visit.Data.UpdateUser(visit.User.Id, user =>
        {
            StandInUser asked = form.Apply(user);
            return user with
            {
                Email = asked.Email,
                FirstName = asked.FirstName,
                LastName = asked.LastName,
                Password = asked.Password,
            };
        });
        return visit.Reply.Json(Shown(updated!));
    }

    private static Task DisconnectAsync(Visit visit)
    {
        StandInUser user = visit.User!;
        SocialAccount? account = int.TryParse(visit.Body.Text("id"), NumberStyles.None, CultureInfo.InvariantCulture, out int id)
            ? user.SocialAccounts.FirstOrDefault(candidate => candidate.Id == id)
            : null;
        if (account is null)
        {
            return visit.Reply.Text("Social account not found", StatusCodes.Status400BadRequest);
        }

        visit.Data.UpdateUser(user.Id, old => old with { SocialAccounts = old.SocialAccounts.Remove(account) });
        return visit.Reply.Json(account.Id);
    }

    private static Task ObtainTokenAsync(Visit visit)
    {
        Dictionary<string, string[]> missing = ((string[])["username", "password"])
            .Where(field => string.IsNullOrEmpty(visit.Body.Text(field)))
            .ToDictionary(field => field, _ => (string[])["This field is required."]);
        if (missing.Count > 0)
        {
            return visit.Reply.Json(missing, StatusCodes.Status400BadRequest);
        }

        return Passwords.Check(visit.Data, visit.Body.Text("username"), visit.Body.Text("password")) is { } user
            ? visit.Reply.Json(new { token = visit.Data.TokenOf(user.Name) })
            : visit.Reply.Json(
                new { non_field_errors = (string[])["Unable to log in with provided credentials."] },
                StatusCodes.Status400BadRequest);
    }

    private static object Shown(StandInUser user) => new
    {
        email = user.Email,
        password = "**********",
        first_name = user.FirstName,
        last_name = user.LastName,
        auth_token = user.Token,
        social_accounts = user.SocialAccounts.Select(account =>
            new { id = account.Id, provider = account.Provider, name = account.Name }),
        has_usable_password = user.Password is not null,
        is_mfa_enabled = false,
    };
}
