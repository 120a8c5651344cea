using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Gateway.Pages;

/// <summary>Why a form is refused.</summary>
/// <param name="Status">400, or what the server says of a body that is too large or too slow.</param>
/// <param name="Reason">For the log, the page and the provider.</param>
internal sealed record FormFault(int Status, string Reason);

/// <summary>
/// The one reader of forms for the gateway's own endpoints. It takes what a browser sends for a page of ours, and what a provider sends:
/// `application/x-www-form-urlencoded` in UTF-8, with bounds on everything.
/// </summary>
internal static class RequestForm
{
    /// <summary>Bytes of the body; the form with a sign-in in it is the largest.</summary>
    public const int LargestBody = 64 * 1024;

    private const string Type = "application/x-www-form-urlencoded";

    private const int MostFields = 32;

    private const int LongestName = 256;

    /// <summary>Maps an endpoint that is sent a form: where it cannot be read, it is refused before the endpoint sees it.</summary>
    public static void MapForm(this WebApplication app, string pattern, Func<HttpContext, IFormCollection, Task> answer) =>
        app.MapPost(pattern, async context =>
        {
            (IFormCollection? form, FormFault? fault) = await ReadAsync(context);
            await (form is null ? RefuseAsync(context, fault!) : answer(context, form));
        });

    /// <returns>The form, an empty one where there is no body; or why there is none.</returns>
    public static async Task<(IFormCollection? Form, FormFault? Fault)> ReadAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (request.ContentLength == 0 || context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
        {
            return (FormCollection.Empty, null);
        }

        if (!IsForm(request.Headers.ContentType))
        {
            return (null, new FormFault(StatusCodes.Status400BadRequest, $"it is no {Type} in UTF-8"));
        }

        if (request.ContentLength > LargestBody)
        {
            return (null, new FormFault(StatusCodes.Status413PayloadTooLarge, "it is too large"));
        }

        try
        {
            FormPipeReader reader = new(request.BodyReader, Encoding.UTF8)
            {
                ValueCountLimit = MostFields,
                KeyLengthLimit = LongestName,
                ValueLengthLimit = LargestBody,
            };
            return (new FormCollection(await reader.ReadFormAsync(context.RequestAborted)), null);
        }
        catch (BadHttpRequestException bad)
        {
            context.CloseAfterAnswer();
            return (null, new FormFault(bad.StatusCode, "it did not arrive whole"));
        }
        catch (InvalidDataException)
        {
            // The reader leaves its read open where it gives up.
            context.CloseAfterAnswer();
            return (null, new FormFault(StatusCodes.Status400BadRequest, "it has too many fields, or one that is too long"));
        }
        catch (IOException broken) when (IsBadRequest(broken))
        {
            context.CloseAfterAnswer();
            return (null, new FormFault(StatusCodes.Status400BadRequest, "its chunks are broken"));
        }
    }

    /// <summary>Kestrel's answer to the size of a chunk that no number can hold is not its exception for requests that are none.</summary>
    public static bool IsBadRequest(IOException error) => error is BadHttpRequestException or { InnerException: OverflowException };

    /// <summary>
    /// After a body that was not read to its end nothing can follow on the connection. Kestrel would look for it all the same, now and then while its last
    /// read is not ended, and log that with a stack trace (dotnet/aspnetcore#17840).
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

    private static Task RefuseAsync(HttpContext context, FormFault fault)
    {
        string detail = $"Nothing was done, because the form cannot be read: {fault.Reason}.";
        Refusal refusal = new(fault.Status, "form_refused", "This form cannot be read", detail)
        {
            Remedy = "Go back, load the page again, and send it once more.",
            ForTheLog = fault.Reason,
        };
        return context.RequestServices.GetRequiredService<PageWriter>().RefuseAsync(context, refusal);
    }
}
