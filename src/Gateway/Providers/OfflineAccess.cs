using Gateway.Settings;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Providers;

/// <summary>Decides which scopes an authorization request names, and remembers that the provider refuses `offline_access`.</summary>
internal sealed partial class OfflineAccess(ProviderSettings provider, OfflineAccessMode mode, TimeProvider time, ILogger<OfflineAccess> logger)
{
    /// <summary>OpenID Connect Core 1.0, section 11: with a refresh token the provider can be asked again while the session lasts.</summary>
    public const string Scope = "offline_access";

    /// <summary>After this time the scope is tried again, because the operator may have allowed it at the provider.</summary>
    public static readonly TimeSpan RefusalTtl = TimeSpan.FromDays(1);

    /// <summary>The provider refuses the scope to this client, at the authorization or the token endpoint (RFC 6749, section 5.2).</summary>
    private const string RefusedToClient = "invalid_scope";

    /// <summary>Keycloak's token endpoint refuses the scope to people without the role `offline_access`.</summary>
    private const string RefusedToPerson = "not_allowed";

    private long _refusedUntil;

    /// <param name="isSignIn">False for a Connect, and for a silent authentication that replaces no refresh token: only `SCOPE` itself adds the scope to
    /// these.</param>
    /// <param name="isRefused">The provider has just refused this round trip with the scope.</param>
    public string ChooseScopes(OpenIdConnectConfiguration configuration, bool isSignIn, bool isRefused)
    {
        bool isRequested = !isRefused && IsRequested(configuration, isSignIn);
        return string.Join(' ', isRequested ? provider.Scopes.Append(Scope).Distinct() : provider.Scopes.Where(scope => scope != Scope));
    }

    public static bool IsIn(string? scopes) => scopes?.Split(' ').Contains(Scope) == true;

    /// <summary>Whether an error can mean that the scope is refused.</summary>
    public static bool IsRefusal(string error) => error is RefusedToClient or RefusedToPerson;

    /// <summary>Call it after a round trip without the scope has succeeded: anyone can forge the refusal alone.</summary>
    public void RememberRefusal(string? error)
    {
        if (error != RefusedToClient)
        {
            return;
        }

        DateTimeOffset now = time.GetUtcNow();
        if (Interlocked.Exchange(ref _refusedUntil, (now + RefusalTtl).UtcTicks) < now.UtcTicks)
        {
            Refused(provider.Id);
        }
    }

    private bool IsRequested(OpenIdConnectConfiguration configuration, bool isSignIn)
    {
        if (mode == OfflineAccessMode.Never || time.GetUtcNow().UtcTicks < Volatile.Read(ref _refusedUntil))
        {
            return false;
        }

        if (provider.Scopes.Contains(Scope))
        {
            return true;
        }

        if (!isSignIn || mode == OfflineAccessMode.Always)
        {
            return isSignIn;
        }

        // authentik ignores a scope that the client does not have. Other providers refuse the sign-in, some on a page of their own.
        return configuration.ScopesSupported.Contains(Scope) && Authentik.IsAuthorizationEndpoint(new Uri(configuration.AuthorizationEndpoint));
    }

    [LoggerMessage(
        EventId = 3022,
        EventName = "OfflineAccessRefused",
        Level = LogLevel.Warning,
        Message = "{Provider} refuses the scope offline_access (invalid_scope), and accepts sign-ins without it. For a day the gateway does not ask for "
            + "it there. Allow the scope for this client at the provider, or set GATEWAY_OFFLINE_ACCESS=never")]
    private partial void Refused(string provider);
}
