using Gateway.Pages;

namespace Gateway.SignIn;

/// <summary>What the sign-in page says above its buttons. With a notice it always waits for a click.</summary>
internal static class SignInNotices
{
    public static readonly PageText SignedOut = "You are signed out of Paperless. If this is not your own device, close the browser too.";

    /// <summary>The share link notices are Paperless's own redirects.</summary>
    public static PageText? Find(IQueryCollection query)
    {
        if (query.ContainsKey("loggedout"))
        {
            return SignedOut;
        }

        if (query.ContainsKey("sharelink_notfound"))
        {
            return "This share link was not found.";
        }

        return query.ContainsKey("sharelink_expired") ? "This share link has expired." : null;
    }
}
