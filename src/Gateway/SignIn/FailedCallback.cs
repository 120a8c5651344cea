using System.Globalization;
using System.Runtime.ExceptionServices;
using Gateway.Access;
using Gateway.Pages;
using Gateway.Providers;
using Gateway.Recheck;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Tracing;
using Microsoft.AspNetCore.Authentication;

namespace Gateway.SignIn;

/// <summary>Answers a return from the provider that cannot become a sign-in: starts again where that helps, and refuses otherwise.</summary>
internal sealed partial class FailedCallback(
    ConnectFlow connect,
    IDevicePasswordFlow devicePasswords,
    SilentAuthentication silent,
    GatewaySettings settings,
    SessionMetrics metrics,
    PageWriter pages,
    TimeProvider time,
    ILogger<FailedCallback> logger)
{
    public async Task AnswerAsync(RemoteFailureContext context, Provider provider)
    {
        context.HandleResponse();
        context.Response.Headers.CacheControl = "no-store";
        HttpContext http = context.HttpContext;
        string next = ReturnAddress.SafeOrFrontPage(context.Properties?.RedirectUri, settings.ScriptName);
        if (context.Failure is OperationCanceledException && http.RequestAborted.IsCancellationRequested)
        {
            // The browser has left: nobody reads an answer, and the provider did nothing wrong.
            ExceptionDispatchInfo.Throw(context.Failure);
        }

        if (FailureRefusals.ErrorOf(context.Failure!) is { } error && OfflineAccess.IsRefusal(error) && OfflineAccess.IsIn(ScopesOf(context.Properties)))
        {
            await http.ChallengeAsync(context.Scheme.Name, WithoutOfflineAccess(context.Properties!, error));
            return;
        }

        if (SilentAuthentication.IsSilentAuthentication(context.Properties))
        {
            await silent.FailAsync(http, context.Properties!, context.Failure!);
            context.Response.Redirect(next);
            return;
        }

        Exception failure = context.Failure!;
        bool stale = failure is AuthenticationFailureException or ProviderRefusedException { Error: "invalid_grant" };
        if (stale && ConnectFlow.FindInitiator(context.Properties) is not null)
        {
            await connect.RefuseStaleAsync(http, failure.Message);
        }
        else if (stale && http.Session() is not null)
        {
            // The callback was loaded twice, or another tab has signed in: go to the requested page.
            context.Response.Redirect(next);
        }
        else if (stale && context.Properties?.Items.ContainsKey(RoundTripState.Again) == false)
        {
            string traceId = http.TraceId();
            Restarted(context.Scheme.Name, failure.Message, traceId);
            context.Response.Redirect(SignInFeature.LoginPath(settings, provider.Settings.Id, next) + "&again=1");
        }
        else
        {
            metrics.SignIn(provider.Settings.Id, SignInOutcome.Failed);
            Refusal refusal = FailureRefusals.From(failure, provider.Settings, ScopesOf(context.Properties));
            if (refusal.Status == StatusCodes.Status500InternalServerError)
            {
                Failed(failure, context.Scheme.Name, http.TraceId());
            }

            PageLink onward = DevicePasswordRequest.Find(context.Properties) is null
                ? new PageLink(ConnectFlow.LoginPath(settings, provider, context.Properties, next), "Try again")
                : devicePasswords.WayBack;
            await pages.RefuseAsync(http, refusal with { Links = [onward] });
        }
    }

    private static string? ScopesOf(AuthenticationProperties? properties) =>
        properties?.Items.TryGetValue(RoundTripState.Scopes, out string? scopes) == true ? scopes : null;

    /// <summary>The same round trip again, which does not ask for `offline_access`.</summary>
    private AuthenticationProperties WithoutOfflineAccess(AuthenticationProperties refused, string error)
    {
        AuthenticationProperties again = new() { RedirectUri = refused.RedirectUri };
        foreach ((string name, string? value) in refused.Items.Where(item => RoundTripState.Kept.Contains(item.Key)))
        {
            again.Items[name] = value;
        }

        again.Items[RoundTripState.StartedAt] = time.GetUtcNow().ToString("O", CultureInfo.InvariantCulture);
        again.Items[RoundTripState.WithoutOfflineAccess] = error;
        return again;
    }

    [LoggerMessage(
        EventId = 3020,
        EventName = "SignInRestarted",
        Level = LogLevel.Information,
        Message = "The answer of {Scheme} belongs to no open sign-in ({Reason}). The sign-in starts again; trace id {TraceId}")]
    private partial void Restarted(string scheme, string reason, string traceId);

    [LoggerMessage(EventId = 3021, EventName = "SignInFailed", Level = LogLevel.Error, Message = "The sign-in at {Scheme} failed; trace id {TraceId}")]
    private partial void Failed(Exception error, string scheme, string traceId);
}
