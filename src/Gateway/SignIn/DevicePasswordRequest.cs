using System.Globalization;
using Gateway.Accounts;
using Gateway.Pages;
using Gateway.Providers;
using Gateway.Sessions;
using Microsoft.AspNetCore.Authentication;

namespace Gateway.SignIn;

/// <summary>The device password that somebody who is signed in has asked for, kept in the protected `state` of the authorization request.</summary>
/// <param name="Session">The key of the session that asks.</param>
/// <param name="Days">After how many days it expires; 0 for no end of its own.</param>
/// <param name="AuthenticatedAfter">Set if the person has to sign in anew at the provider.</param>
internal sealed record DevicePasswordRequest(string Session, string Name, DeviceScope Scope, int Days, DateTimeOffset? AuthenticatedAfter)
{
    private const int Parts = 5;

    /// <summary>What this round trip is to make; null if it makes no device password.</summary>
    public static DevicePasswordRequest? Find(AuthenticationProperties? properties) =>
        properties?.Items.TryGetValue(RoundTripState.DevicePassword, out string? state) == true ? Parse(state) : null;

    public static string KeyOf(Session session) => Convert.ToHexStringLower(session.Key.ToBytes());

    public void WriteTo(AuthenticationProperties properties) => properties.Items[RoundTripState.DevicePassword] = string.Create(
        CultureInfo.InvariantCulture,
        $"{Session} {Scope} {Days} {AuthenticatedAfter?.ToUnixTimeSeconds()} {Name}");

    /// <returns>Null where the text is not what <see cref="WriteTo"/> wrote.</returns>
    private static DevicePasswordRequest? Parse(string? state)
    {
        if (state?.Split(' ', Parts) is not [string session, string scopeText, string daysText, string after, string name]
            || !Enum.TryParse(scopeText, out DeviceScope scope)
            || !int.TryParse(daysText, CultureInfo.InvariantCulture, out int days))
        {
            return null;
        }

        DateTimeOffset? authenticatedAfter = long.TryParse(after, CultureInfo.InvariantCulture, out long seconds)
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;
        return new DevicePasswordRequest(session, name, scope, days, authenticatedAfter);
    }
}

/// <summary>Makes the device password when the provider has confirmed the person.</summary>
/// <remarks>The folder of device passwords, which begins the round trip, knows this folder. This interface keeps this folder from knowing that one.</remarks>
internal interface IDevicePasswordFlow
{
    /// <summary>To the page on which it began.</summary>
    public PageLink WayBack { get; }

    /// <param name="person">What the provider has just said, all of it checked.</param>
    public Task FinishAsync(HttpContext context, DevicePasswordRequest request, Person person, CallbackResult result);
}
