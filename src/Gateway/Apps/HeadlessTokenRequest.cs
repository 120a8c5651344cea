using System.Text.Json;
using Gateway.Pages;
using Gateway.Providers;

namespace Gateway.Apps;

/// <summary>What an app brings from the provider.</summary>
/// <param name="AccessToken">Null where the app keeps it.</param>
internal sealed record HeadlessTokenRequest(Provider Provider, AppClient Client, string IdToken, string? AccessToken)
{
    private const string Source = "the request";

    /// <summary>For logs and debuggers: leaves out the tokens.</summary>
    public override string ToString() => $"{Provider.Settings.Id}: {Client.ClientId}";

    /// <returns>The request, or the refusal in the words of allauth.</returns>
    public static async Task<(HeadlessTokenRequest? Request, HeadlessRefusal? Refusal)> ReadAsync(HttpContext context, ProviderRegistry providers)
    {
        if (!context.Request.HasJsonContentType())
        {
            return (null, Unreadable(StatusCodes.Status400BadRequest, "it is no JSON"));
        }

        byte[] body = new byte[RequestForm.MaxBodyBytes + 1];
        int length;
        try
        {
            length = await context.Request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, context.RequestAborted);
        }
        catch (IOException broken) when (RequestForm.IsBadRequest(broken))
        {
            context.CloseAfterAnswer();
            int status = broken is BadHttpRequestException bad ? bad.StatusCode : StatusCodes.Status400BadRequest;
            return (null, Unreadable(status, "it did not arrive whole, or it is too large"));
        }

        if (length > RequestForm.MaxBodyBytes)
        {
            context.CloseAfterAnswer();
            return (null, Unreadable(StatusCodes.Status413PayloadTooLarge, "it is too large"));
        }

        try
        {
            return Parse(ClaimSet.Parse(body.AsSpan(0, length), Source).Json, providers);
        }
        catch (ProviderMistakeException mistake)
        {
            return (null, Unreadable(StatusCodes.Status400BadRequest, mistake.Message));
        }
    }

    private static (HeadlessTokenRequest? Request, HeadlessRefusal? Refusal) Parse(JsonElement json, ProviderRegistry providers)
    {
        if (Text(json, "provider") is not { } id)
        {
            return (null, HeadlessRefusals.Required("provider"));
        }

        if (Text(json, "process") != "login")
        {
            return (null, HeadlessRefusals.Invalid("process", "invalid_choice", "An app can only sign in."));
        }

        if (!json.TryGetProperty("token", out JsonElement token) || token.ValueKind != JsonValueKind.Object)
        {
            return (null, HeadlessRefusals.InvalidToken("token is no object"));
        }

        if (providers.Find(id) is not { AppClients.Length: > 0 } provider)
        {
            return (null, HeadlessRefusals.UnknownProvider());
        }

        if (Text(token, "client_id") is not { } clientId)
        {
            return (null, HeadlessRefusals.Invalid("token", "client_id_required", "`client_id` required."));
        }

        if (provider.AppClients.FirstOrDefault(client => client.ClientId == clientId) is not { } app)
        {
            return (null, HeadlessRefusals.Invalid(
                "token",
                "client_id_mismatch",
                "`client_id` mismatch.",
                $"apps sign in at {id} with {string.Join(" or ", provider.Settings.ClientsOfApps)} (GATEWAY_APP_CLIENT_IDS), and not with "
                    + SignedTokenCheck.Truncate(clientId)));
        }

        if (Text(token, "id_token") is not { } idToken)
        {
            return (null, HeadlessRefusals.Invalid("token", "token_required", "`id_token` required."));
        }

        string? accessToken = Text(token, "access_token");
        return provider.Settings.FetchUserInfo && accessToken is null && !provider.Settings.AppClientIds.Contains(clientId)
            ? (null, HeadlessRefusals.Invalid(
                "token",
                "token_required",
                "`access_token` required: the claims of this client are at userinfo. The operator can give apps a client of their own "
                    + "(GATEWAY_APP_CLIENT_IDS), whose ID token carries the claims, or set \"fetch_userinfo\" to false."))
            : (new HeadlessTokenRequest(provider, app, idToken, accessToken), null);
    }

    private static HeadlessRefusal Unreadable(int status, string reason) =>
        new(new Refusal(status, "invalid", "A request cannot be read", PageText.Verbatim($"The request cannot be read: {reason}.")) { ForTheLog = reason });

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;
}
