using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Access;
using Gateway.Pages;
using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Apps;

/// <summary>
/// `POST /api/token/` for apps that only know a user name and a password: a device password is its own token. Every other password is Paperless's to
/// check, where passwords are on.
/// </summary>
internal sealed class TokenEndpoint(SessionRegistry sessions, FailedCredentials failures, GatewaySettings settings, PageWriter pages)
{
    /// <summary>Two short texts, in any of Paperless's formats.</summary>
    private const int MaxBodyBytes = 8 * 1024;

    private static readonly FormOptions Limits = new() { ValueCountLimit = 8, MultipartBodyLengthLimit = MaxBodyBytes };

    /// <returns>False where Paperless is to answer. The body is then still to be read.</returns>
    /// <exception cref="Gateway.Storage.StoreUnavailableException">The store does not answer.</exception>
    public async Task<bool> TryAnswerAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (await ReadAsync(request, context.RequestAborted) is not { } body)
        {
            await pages.RefuseAsync(context, new Refusal(413, "body_unwanted", "Request body too large", "A user name and a password are shorter.")
            {
                Remedy = "Send the user name and the password alone.",
            });
            return true;
        }

        request.Body = new MemoryStream(body, writable: false);
        request.Headers.Remove("Transfer-Encoding");
        request.ContentLength = body.Length;
        (string? username, string? password) = await CredentialsAsync(request, body, context.RequestAborted);
        request.Body.Position = 0;
        bool isDevicePassword = DeviceCredential.HasPrefix(password);
        if (isDevicePassword && DeviceCredential.TryParse(password, out SessionSecret secret) && await IsOfAsync(secret, username, context.RequestAborted))
        {
            await WriteAsync(context, StatusCodes.Status200OK, new TokenAnswer { Token = password });
            return true;
        }

        if (!isDevicePassword && !settings.Paperless.RegularLoginDisabled)
        {
            return false;
        }

        CredentialKind kind = isDevicePassword ? CredentialKind.DevicePassword : CredentialKind.Password;
        CredentialAttempt wrong = new(ClientAddress.From(context), username, CredentialKey.From(body), kind);
        await failures.RefuseWrongAsync(context, wrong, () => WriteAsync(context, StatusCodes.Status400BadRequest, WrongAnswer(isDevicePassword)));
        return true;
    }

    private TokenAnswer WrongAnswer(bool isDevicePassword)
    {
        const string wrong = "Unable to log in with provided credentials.";
        return new TokenAnswer
        {
            Errors = isDevicePassword
                ? [wrong]
                : [wrong, $"Passwords are switched off here: make a device password at {settings.Public.Origin}{settings.ScriptName}/gateway/apps."],
        };
    }

    private async Task<bool> IsOfAsync(SessionSecret secret, string? username, CancellationToken cancellationToken)
    {
        Session? session = sessions.TryFind(secret.Key(), out Session? known) ? known : await sessions.LoadAsync(secret, cancellationToken);
        return session?.DevicePassword is not null && string.Equals(session.Identity.Username, username, StringComparison.OrdinalIgnoreCase);
    }

    /// <returns>Null if it is too long.</returns>
    private static async Task<byte[]?> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength > MaxBodyBytes)
        {
            return null;
        }

        byte[] buffer = new byte[MaxBodyBytes + 1];
        int read = await request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return read > MaxBodyBytes ? null : buffer[..read];
    }

    /// <summary>The credentials of a JSON body or a form; null for what cannot be read.</summary>
    private static async Task<(string? Username, string? Password)> CredentialsAsync(HttpRequest request, byte[] body, CancellationToken cancellationToken)
    {
        try
        {
            if (request.HasJsonContentType())
            {
                using JsonDocument json = JsonDocument.Parse(body);
                return json.RootElement.ValueKind == JsonValueKind.Object ? (Text(json.RootElement, "username"), Text(json.RootElement, "password")) : default;
            }

            if (request.HasFormContentType)
            {
                IFormCollection form = await new FormFeature(request, Limits).ReadFormAsync(cancellationToken);
                return (form["username"], form["password"]);
            }
        }
        catch (Exception error) when (error is JsonException or InvalidDataException or InvalidOperationException)
        {
            // It holds no device password that the gateway could read; what else it holds, Paperless says.
        }

        return default;
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private Task WriteAsync(HttpContext context, int status, TokenAnswer answer)
    {
        CorsPreflight.AllowAnswer(context, settings.Paperless.CorsOrigins);
        context.Response.StatusCode = status;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return context.Response.WriteAsJsonAsync(answer, TokenAnswerJson.Default.TokenAnswer);
    }
}

/// <summary>The answer in the shape of Django REST framework's `obtain_auth_token`.</summary>
internal sealed record TokenAnswer
{
    [JsonPropertyName("token")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Token { get; init; }

    [JsonPropertyName("non_field_errors")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Errors { get; init; }

    /// <summary>For logs and debuggers: leaves out the token.</summary>
    public override string ToString() => nameof(TokenAnswer);
}

[JsonSerializable(typeof(TokenAnswer))]
internal sealed partial class TokenAnswerJson : JsonSerializerContext;
