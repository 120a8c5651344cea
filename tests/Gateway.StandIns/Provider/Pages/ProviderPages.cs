using Gateway.StandIns.Provider.Endpoints;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Gateway.StandIns.Provider.Pages;

/// <summary>The provider's pages: signing in, signed out, and every no that is not sent back to the application.</summary>
internal static class ProviderPages
{
    public static RazorComponentResult<SignInPage> SignIn(DevelopmentProvider provider, string next) => new(new
    {
        Action = SignInEndpoint.Path,
        Next = next,
        People = provider.Options.People.Where(person => person.IsActive).ToDictionary(person => person.Username, person => person.Name),
    });

    public static RazorComponentResult<MessagePage> Start(ProviderSession? session) => Message(
        StatusCodes.Status200OK,
        "Development provider",
        session is null ? "Nobody is signed in." : $"Signed in as {session.Username}.",
        continueAt: null);

    public static RazorComponentResult<MessagePage> SignedOut(string? frame, string? continueAt) =>
        Message(StatusCodes.Status200OK, "You've logged out", "You can close this page.", continueAt, frame);

    public static RazorComponentResult<MessagePage> BadRequest(string reason) =>
        Message(StatusCodes.Status400BadRequest, "Bad request", reason, continueAt: null);

    public static RazorComponentResult<MessagePage> Refused(string reason) =>
        Message(StatusCodes.Status403Forbidden, "Forbidden", reason, continueAt: null);

    public static RazorComponentResult<MessagePage> Denied() =>
        Message(StatusCodes.Status403Forbidden, "Permission denied", "Request has been denied.", continueAt: null);

    private static RazorComponentResult<MessagePage> Message(
        int status, string title, string message, string? continueAt, string? frame = null) =>
        new(new { Title = title, Message = message, Frame = frame, ContinueAt = continueAt }) { StatusCode = status };
}
