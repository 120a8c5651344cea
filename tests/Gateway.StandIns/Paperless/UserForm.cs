using System.Net.Mail;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Gateway.StandIns.Paperless;

/// <summary>What a POST or PATCH says of a user: DRF's serializer, with Django's validators.</summary>
internal sealed partial class UserForm(PaperlessData data, RequestBody body, int? userId)
{
    private static readonly string[] Flags = ["is_staff", "is_active", "is_superuser"];

    public string? Name => body.Text("username");

    public SortedDictionary<string, string[]> Errors(bool partial)
    {
        SortedDictionary<string, string[]> errors = new SortedDictionary<string, string[]>(StringComparer.Ordinal);
        Report("username", Name is null && partial ? null : NameError());
        Report("email", body.Text("email") is { Length: > 0 } email && !IsEmail(email) ? "Enter a valid email address." : null);
        foreach (string flag in Flags)
        {
            Report(flag, body.Fields.ContainsKey(flag) && Flag(flag) is null ? "Must be a valid boolean." : null);
        }

        if (body.Fields.ContainsKey("groups"))
        {
            Report("groups", FieldLists.IdsError(body.Fields["groups"], id => data.FindGroup(id) is not null));
        }

        if (body.Fields.ContainsKey("user_permissions"))
        {
            Report("user_permissions", FieldLists.CodenamesError(body.Fields["user_permissions"]));
        }

        return errors;

        void Report(string field, string? error)
        {
            if (error is not null)
            {
                errors[field] = [error];
            }
        }
    }

    public StandInUser Apply(StandInUser user) => user with
    {
        Name = Name ?? user.Name,
        Email = body.Text("email") ?? user.Email,
        FirstName = body.Text("first_name") ?? user.FirstName,
        LastName = body.Text("last_name") ?? user.LastName,
        IsStaff = Flag("is_staff") ?? user.IsStaff,
        IsActive = Flag("is_active") ?? user.IsActive,
        IsSuperuser = Flag("is_superuser") ?? user.IsSuperuser,
        Groups = body.Fields["groups"] is JsonArray groups ? FieldLists.Ids(groups) : user.Groups,
        Permissions = body.Fields["user_permissions"] is JsonArray codenames ? FieldLists.Codenames(codenames) : user.Permissions,
        // Stars are what the API shows for a password, and what the page sends back.
        Password = body.Text("password") is { } password && password.Trim('*').Length > 0 ? password : user.Password,
    };

    private string? NameError()
    {
        if (!body.Fields.ContainsKey("username"))
        {
            return "This field is required.";
        }

        return Name switch
        {
            null => "This field may not be null.",
            "" => "This field may not be blank.",
            { Length: > 150 } => "Ensure this field has no more than 150 characters.",
            var name when !UserName().IsMatch(name) =>
                "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.",
            var name when data.FindUser(name) is { } other && other.Id != userId =>
                "A user with that username already exists.",
            _ => null,
        };
    }

    private bool? Flag(string field) => body.Text(field)?.ToUpperInvariant() switch
    {
        "TRUE" or "1" or "ON" or "YES" => true,
        "FALSE" or "0" or "OFF" or "NO" => false,
        _ => null,
    };

    private static bool IsEmail(string text) =>
        MailAddress.TryCreate(text, out MailAddress? address)
        && address.Address == text
        && (address.Host.Contains('.', StringComparison.Ordinal) || address.Host == "localhost");

    [GeneratedRegex(@"^[\p{L}\p{N}_.@+-]+\z")]
    private static partial Regex UserName();
}
