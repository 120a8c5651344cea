using Gateway.Access;
using Gateway.Accounts;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.PasswordSessions;
using Gateway.Providers;
using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.AspNetCore.Authentication;

namespace Gateway.SignIn;

/// <summary>A round trip that connects a provider's account to the user who is signed in, and signs nobody in.</summary>
internal sealed class ConnectFlow(Connect connect, GatewaySettings settings, PageWriter pages)
{
    /// <summary>The address that starts this sign-in or Connect again.</summary>
    public static string LoginPath(GatewaySettings settings, Provider provider, AuthenticationProperties? properties, string? next) =>
        SignInFeature.LoginPath(settings, provider.Settings.Id, next, connect: FindInitiator(properties) is not null);

    /// <summary>Who began the Connect; null for an ordinary sign-in.</summary>
    public static ConnectInitiator? FindInitiator(AuthenticationProperties? properties) =>
        properties?.Items.TryGetValue(RoundTripState.Connect, out string? state) == true ? ConnectInitiator.Parse(state) : null;

    public static bool IsRequested(HttpRequest request) => request.Query["process"] == "connect";

    /// <summary>Notes who begins it.</summary>
    public static void Begin(AuthenticationProperties properties, SignedInUser user) =>
        properties.Items[RoundTripState.Connect] = ConnectInitiator.From(user).ToState();

    /// <summary>Another site must not begin a Connect, because somebody else may be signed in at the provider.</summary>
    public Refusal? FindRefusal(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (!CrossSiteGuard.IsProvenSameOrigin(request, settings.Public))
        {
            return WithFront(ConnectRefusals.NotFromHere(AccessRefusals.ForLog(request.Headers["Sec-Fetch-Site"]), request.Headers.Referer));
        }

        return IsHeldBack(context) ? WithFront(ConnectRefusals.Unconfirmed) : null;
    }

    /// <summary>On the way back, when everything that the provider said is checked.</summary>
    public async Task FinishAsync(HttpContext context, Person person, ConnectInitiator initiator, string next)
    {
        if (IsHeldBack(context))
        {
            await pages.RefuseAsync(context, WithFront(ConnectRefusals.Unconfirmed));
            return;
        }

        string again = SignInFeature.LoginPath(settings, person.Provider, next, connect: true);
        try
        {
            SignedInUser? user = context.SignedInUser();
            if (await connect.LinkAsync(person, initiator, user) is not { } refusal)
            {
                await PageWriter.ShowAsync<ConnectedPage>(context, StatusCodes.Status200OK, new()
                {
                    [nameof(ConnectedPage.Person)] = person.Label,
                    [nameof(ConnectedPage.Provider)] = settings.Providers.First(provider => provider.Id == person.Provider).Name,
                    [nameof(ConnectedPage.Username)] = user!.Username,
                    [nameof(ConnectedPage.Next)] = next,
                    [nameof(ConnectedPage.CanMakeDevicePasswords)] = user.Session is not null,
                });
                return;
            }

            await pages.RefuseAsync(context, refusal.Code == "connect_taken"
                ? refusal with { Links = [new PageLink(again + "&prompt=login", "Connect another one"), Front] }
                : WithFront(refusal));
        }
        catch (PaperlessApiException failure)
        {
            await pages.RefuseAsync(context, PaperlessRefusals.SignIn(failure, again));
        }
    }

    public Task RefuseStaleAsync(HttpContext context, string reason) => pages.RefuseAsync(context, WithFront(ConnectRefusals.Stale(reason)));

    /// <summary>A person whose access is in doubt must not add another way to sign in.</summary>
    private static bool IsHeldBack(HttpContext context) => context.Session()?.IsHeldBack == true;

    private PageLink Front => new(settings.ScriptName + "/", "To Paperless");

    private Refusal WithFront(Refusal refusal) => refusal with { Links = [Front] };
}
