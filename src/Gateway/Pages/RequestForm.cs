using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Gateway.Pages;

/// <summary>Why a form is refused.</summary>
/// <param name="Status">400, or the status of Kestrel for a body that is too large or too slow.</param>
/// <param name="Reason">The reason for the log, the page and the provider.</param>
internal sealed record FormError(int Status, PageText Reason);

/// <summary>
/// Reads the forms of all endpoints of the gateway, from browsers and from providers: `application/x-www-form-urlencoded` in UTF-8, with limits on
/// size and number of fields.
/// </summary>
internal static class RequestForm
{
    /// <summary>The largest form is the callback of a sign-in.</summary>
    public const int MaxBodyBytes = 64 * 1024;

    private const string Type = "application/x-www-form-urlencoded";

    private const int MaxFields = 32;

    private const int MaxNameLength = 256;

    /// <summary>Maps an endpoint that takes a form. An invalid form is refused before the endpoint runs.</summary>
    public static void MapForm(this WebApplication app, string pattern, Func<HttpContext, IFormCollection, Task> answer) =>
        app.MapPost(pattern, async context =>
        {
            (IFormCollection? form, FormError? error) = await ReadAsync(context);
            await (form is null ? RefuseAsync(context, error!) : answer(context, form));
        });

    /// <returns>The form, which is empty if there is no body, or an error.</returns>
    public static async Task<(IFormCollection? Form, FormError? Error)> ReadAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (request.ContentLength == 0 || context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
        {
            return (FormCollection.Empty, null);
        }

        if (!IsForm(request.Headers.ContentType))
        {
            return (null, new FormError(StatusCodes.Status400BadRequest, $"it is no {Type} in UTF-8"));
        }

        if (request.ContentLength > MaxBodyBytes)
        {
            return (null, new FormError(StatusCodes.Status413PayloadTooLarge, "it is too large"));
        }

        try
        {
            FormPipeReader reader = new(request.BodyReader, Encoding.UTF8)
            {
                ValueCountLimit = MaxFields,
                KeyLengthLimit = MaxNameLength,
                ValueLengthLimit = MaxBodyBytes,
            };
            return (new FormCollection(await reader.ReadFormAsync(context.RequestAborted)), null);
        }
        catch (BadHttpRequestException bad)
        {
            context.CloseAfterAnswer();
            return (null, new FormError(bad.StatusCode, "it did not arrive whole"));
        }
        catch (InvalidDataException)
        {
            // The reader does not complete its read after this error.
            context.CloseAfterAnswer();
            return (null, new FormError(StatusCodes.Status400BadRequest, "it has too many fields, or one that is too long"));
        }
        catch (IOException broken) when (IsBadRequest(broken))
        {
            context.CloseAfterAnswer();
            return (null, new FormError(StatusCodes.Status400BadRequest, "its chunks are broken"));
        }
    }

    /// <summary>Whether Kestrel reports a bad request. For a chunk size that overflows it throws another exception than for other bad requests.</summary>
    public static bool IsBadRequest(IOException error) => error is BadHttpRequestException or { InnerException: OverflowException };

    /// <summary>
    /// Closes an HTTP/1 connection after the answer, because the body was not read to its end and no request can follow. Kestrel would otherwise try to
    /// read the next request, sometimes while its last read is still open, and log an error with a stack trace (dotnet/aspnetcore#17840).
    /// </summary>
    public static void CloseAfterAnswer(this HttpContext context)
    {
        if (HttpProtocol.IsHttp11(context.Request.Protocol) || HttpProtocol.IsHttp10(context.Request.Protocol))
        {
            context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        }
    }

    private static bool IsForm(StringValues contentType) =>
        contentType.Count == 1
        && MediaTypeHeaderValue.TryParse(contentType[0], out MediaTypeHeaderValue? type)
        && type.MediaType.Equals(Type, StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    private static Task RefuseAsync(HttpContext context, FormError error)
    {
        PageText detail = $"The form was not processed, because it cannot be read: {error.Reason}.";
        Refusal refusal = new(error.Status, "form_refused", "This form cannot be read", detail)
        {
            Remedy = "Go back, reload the page and submit the form again.",
            ForTheLog = error.Reason.English,
        };
        return context.RequestServices.GetRequiredService<PageWriter>().RefuseAsync(context, refusal);
    }
}
