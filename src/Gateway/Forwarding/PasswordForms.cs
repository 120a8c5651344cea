using System.Text;
using System.Text.Json;
using Gateway.Access;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Gateway.Forwarding;

/// <summary>The forms with which Paperless compares a password with that of the user that the form names: its login pages and the token endpoint.</summary>
internal static class PasswordForms
{
    public const string TokenPath = "/api/token/";

    /// <summary>A larger body is no password. A return address of the greatest length fits.</summary>
    public const int MaxBodyBytes = 16 * 1024;

    private const string LoginPath = "/accounts/login/";

    private const string AdminLoginPath = "/admin/login/";

    /// <summary>A session does not stand for the password in a form: such a form may name anybody.</summary>
    public static bool Takes(HttpContext context, AccessDecision access)
    {
        bool hasSession = access is AccessDecision.WithIdentity or AccessDecision.WithPasswordSession;
        if (CrossSiteGuard.IsSafe(context.Request.Method) || !(hasSession || access is AccessDecision.AccountPages or AccessDecision.Public))
        {
            return false;
        }

        string path = context.Request.Path.Value!;
        return path is LoginPath or AdminLoginPath or TokenPath || (hasSession && TakesWithSession(path));
    }

    /// <summary>Paths that the access table opens to sessions alone. Django compares paths exactly, and the token endpoint's beginning.</summary>
    private static bool TakesWithSession(string path) =>
        path is "/api/auth/login/" or "/api/auth/headless/app/v1/auth/login" or "/api/auth/headless/browser/v1/auth/login"
        || path.StartsWith(TokenPath, StringComparison.Ordinal);

    /// <summary>Reads the body, and puts the same bytes in its place for Paperless.</summary>
    /// <returns>Null where the body is too large.</returns>
    /// <exception cref="BadHttpRequestException">The body is incomplete or too slow.</exception>
    public static async Task<byte[]?> ReadAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (request.ContentLength > MaxBodyBytes)
        {
            return null;
        }

        byte[] buffer = new byte[MaxBodyBytes + 1];
        int length = await request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, context.RequestAborted);
        if (length > MaxBodyBytes)
        {
            return null;
        }

        byte[] body = buffer[..length];
        request.Body = new MemoryStream(body, writable: false);
        request.Headers.Remove("Transfer-Encoding");
        request.ContentLength = length;
        return body;
    }

    /// <summary>The same bytes are another guess at another path or as another type: a multipart body has as many readings as boundaries.</summary>
    public static CredentialKey KeyOf(HttpRequest request, byte[] body) =>
        CredentialKey.From([.. Encoding.UTF8.GetBytes($"{request.Path.Value}\0{request.ContentType}\0"), .. body]);

    /// <summary>
    /// The user name in the form. It is empty where Paperless may read another one than the gateway, so that nobody hides the name by a form that
    /// two programs read in two ways. Such forms count as one name.
    /// </summary>
    public static async Task<string> FindUserNameAsync(HttpContext context, byte[] body)
    {
        HttpRequest request = context.Request;
        if (!IsUtf8(request))
        {
            return "";
        }

        try
        {
            return (request.HasJsonContentType() ? FindInJson(body) : await FindInFormAsync(request, body)) ?? "";
        }
        catch (Exception error) when (error is JsonException or InvalidDataException or InvalidOperationException or IOException)
        {
            return "";
        }
        finally
        {
            request.Body = new MemoryStream(body, writable: false);
        }
    }

    /// <summary>Django decodes a form by the charset that its `Content-Type` names.</summary>
    private static bool IsUtf8(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type)
        && type.Parameters.All(parameter => !parameter.Name.StartsWith("charset", StringComparison.OrdinalIgnoreCase)
            || HeaderUtilities.RemoveQuotes(parameter.Value).Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    private static string? FindInJson(byte[] body)
    {
        using JsonDocument document = JsonDocument.Parse(body);
        return document.RootElement.ValueKind == JsonValueKind.Object
            && document.RootElement.TryGetProperty("username", out JsonElement name) && name.ValueKind == JsonValueKind.String
            ? name.GetString()
            : null;
    }

    /// <summary>The field must be there once: Django tells letter cases apart and takes the last value, and IFormCollection does neither.</summary>
    private static async Task<string?> FindInFormAsync(HttpRequest request, byte[] body)
    {
        string field = request.Path.Value == LoginPath ? "login" : "username";
        if (!request.HasFormContentType || (IsMultipart(request) && !IsPlainMultipart(body, field)))
        {
            return null;
        }

        IFormCollection form = await new FormFeature(request, new FormOptions()).ReadFormAsync(request.HttpContext.RequestAborted);
        return form[field] is [var only] && form.Keys.Contains(field, StringComparer.Ordinal) ? only : null;
    }

    private static bool IsMultipart(HttpRequest request) => request.ContentType!.Contains("multipart", StringComparison.OrdinalIgnoreCase);

    /// <summary>Django also decodes names in the form of RFC 2231 (`name*`), and parts in base64.</summary>
    private static bool IsPlainMultipart(byte[] body, string field)
    {
        string text = Encoding.Latin1.GetString(body);
        int at = text.IndexOf(field, StringComparison.OrdinalIgnoreCase);
        return at >= 0
            && text.IndexOf(field, at + 1, StringComparison.OrdinalIgnoreCase) < 0
            && !text.Contains("name*", StringComparison.OrdinalIgnoreCase)
            && !text.Contains("content-transfer-encoding", StringComparison.OrdinalIgnoreCase);
    }
}
