using System.Globalization;
using Gateway.Access;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Providers;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Apps;

/// <summary>A refusal of an app's sign-in, and the member of the request that it is about.</summary>
internal sealed record HeadlessRefusal(Refusal Refusal, string? Param = null)
{
    /// <summary>What the person can do instead. With it, the status is 401, as allauth answers somebody who is known and not signed in.</summary>
    public IReadOnlyList<HeadlessFlow>? Flows { get; init; }
}

/// <summary>Writes answers in the shape of allauth's headless API. Each refusal is one log line, as everywhere.</summary>
internal sealed class HeadlessRefusals(GatewaySettings settings, PageWriter pages)
{
    private const string Title = "An app's sign-in was refused";

    /// <summary>About a member of the app's request, for the author of the app: in English, and the code says the same.</summary>
    public static HeadlessRefusal Invalid(string param, string code, string message, string? forTheLog = null) =>
        new(new Refusal(StatusCodes.Status400BadRequest, code, Title, PageText.Verbatim(message)) { ForTheLog = forTheLog ?? message }, param);

    public static HeadlessRefusal Required(string param) => Invalid(param, "required", "This field is required.", $"{param} is missing");

    /// <summary>The ID token or the access token. The reason is for the operator: the app shows that the token is invalid.</summary>
    public static HeadlessRefusal InvalidToken(string reason) => Invalid("token", "invalid_token", "Invalid token.", reason);

    public static HeadlessRefusal UnknownProvider() => Invalid("provider", "unknown_provider", "Unknown provider.");

    public static HeadlessRefusal From(Exception failure, ProviderSettings provider) => new(FailureRefusals.From(failure, provider, scopes: null));

    public static HeadlessRefusal StoreAway(StoreUnavailableException away) => new(
        new Refusal(StatusCodes.Status503ServiceUnavailable, "store_away", Title, "The gateway cannot sign anybody in: its store does not answer.")
        {
            Remedy = "Try again in a moment.",
            RetryAfter = 5,
            ForTheLog = away.Message,
        });

    public static HeadlessRefusal PaperlessAway(PaperlessApiException failure) => new(PaperlessRefusals.SignIn(failure, again: null));

    /// <summary>A person who has to answer a question first. allauth says so by a sign-up that is pending.</summary>
    public HeadlessRefusal BrowserFirst(HeadlessProvider provider, Refusal reason) => new(reason with
    {
        Remedy = $"Sign in once in the browser, at {settings.Public.Origin}{settings.ScriptName}/, and answer its question. Then sign in in the app again.",
    })
    {
        Flows = [new HeadlessFlow("provider_signup") { Provider = provider, IsPending = true }],
    };

    public async Task RefuseAsync(HttpContext context, HeadlessRefusal refused)
    {
        Refusal refusal = refused.Refusal;
        int status = refused.Flows is null ? refusal.Status : StatusCodes.Status401Unauthorized;
        pages.Log(context, refusal with { Status = status });
        if (refusal.RetryAfter is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        context.Response.Headers.ContentLanguage = PageLanguage.Use(context).Name;
        string message = context.RequestServices.GetRequiredService<Texts>()[refusal.DetailAndRemedy];
        await WriteAsync(context, new HeadlessAnswer(status)
        {
            Data = refused.Flows is null ? null : new HeadlessData { Flows = refused.Flows },
            Meta = refused.Flows is null ? null : new HeadlessMeta(IsAuthenticated: false),
            Errors = [new HeadlessError(message, refusal.Code, refused.Param)],
        });
    }

    public static Task WriteAsync(HttpContext context, HeadlessAnswer answer)
    {
        context.Response.StatusCode = answer.Status;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return context.Response.WriteAsJsonAsync(answer, HeadlessAnswerJson.Default.HeadlessAnswer);
    }
}
