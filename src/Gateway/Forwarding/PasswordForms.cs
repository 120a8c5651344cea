using System.Text.Json;
using Gateway.Access;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Forwarding;

/// <summary>The forms with which Paperless takes a password from anybody: its login page, the login of its admin, and the token endpoint.</summary>
internal static class PasswordForms
{
    public const string TokenPath = "/api/token/";

    /// <summary>A larger body is no password. A return address of the greatest length fits.</summary>
    public const int MaxBodyBytes = 16 * 1024;

    private const string LoginPath = "/accounts/login/";

    private const string AdminLoginPath = "/admin/login/";

    /// <summary>Django compares these paths exactly, and without the slash takes no form.</summary>
    public static bool Takes(HttpContext context, AccessDecision access)
    {
        if (access is not (AccessDecision.AccountPages or AccessDecision.Public) || CrossSiteGuard.IsSafe(context.Request.Method))
        {
            return false;
        }

        return context.Request.Path.Value is LoginPath or AdminLoginPath or TokenPath;
    }

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

    /// <summary>
    /// The user name in the form. Bodies in which the gateway finds none count as one name, so that nobody hides the name from the gateway
    /// that Paperless reads.
    /// </summary>
    public static async Task<string> FindUserNameAsync(HttpContext context, byte[] body)
    {
        HttpRequest request = context.Request;
        try
        {
            return (request.HasJsonContentType() ? FindInJson(body) : await FindInFormAsync(request)) ?? "";
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

    private static string? FindInJson(byte[] body)
    {
        using JsonDocument document = JsonDocument.Parse(body);
        return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("username", out JsonElement name)
            ? name.ToString()
            : null;
    }

    /// <summary>As Django does, the last of several fields counts.</summary>
    private static async Task<string?> FindInFormAsync(HttpRequest request)
    {
        if (!request.HasFormContentType)
        {
            return null;
        }

        IFormCollection form = await new FormFeature(request, new FormOptions()).ReadFormAsync(request.HttpContext.RequestAborted);
        return form[request.Path.Value == LoginPath ? "login" : "username"] is [.., var last] ? last : null;
    }
}
