using System.Globalization;
using Gateway.PasswordSessions;

namespace Gateway.Tests.Accounts;

/// <summary>Stands for a sign-in at Paperless itself: a cookie of the test's names the user.</summary>
internal sealed class SignedInAtPaperless : IStartupFilter
{
    public const string CookieName = "signed_in_at_paperless";

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((context, rest) =>
        {
            if (int.TryParse(context.Request.Cookies[CookieName], CultureInfo.InvariantCulture, out int userId))
            {
                PasswordSession session = new(userId, $"user {userId}", IsSuperuser: true, DateTimeOffset.UtcNow);
                context.Features.Set(new PasswordSessionResult(PasswordSessionStatus.SignedIn, session));
            }

            return rest(context);
        });
        next(app);
    };
}
