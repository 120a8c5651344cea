using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Gateway.Pages;
using Gateway.Providers;
using Gateway.Settings;

namespace Gateway.Checks;

/// <summary>
/// Asks the public address from inside: whether a request arrives at this gateway, with the right host, with a body of some size, and as a WebSocket, and
/// whether its answers come back as they are written. Only `PAPERLESS_URL` is asked, and, by a command, the management address of the gateway that runs.
/// </summary>
/// <remarks>A scheme that the proxy in front does not pass on is no finding: the gateway takes the scheme from `PAPERLESS_URL` alone.</remarks>
internal sealed class PublicAddressCheck(GatewaySettings settings, GatewayRun run, Outbound outbound, IHostApplicationLifetime lifetime, TimeProvider time)
    : ICheck
{
    /// <summary>More than nginx accepts by default (client_max_body_size, 1 MiB).</summary>
    private const int BodyBytes = 1536 * 1024;

    private const int MaxAnswerBytes = 64 * 1024;

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(6);

    /// <summary>A proxy that has not passed the first part of an answer on by then holds it back: the first answer arrived within its own timeout.</summary>
    private static readonly TimeSpan FirstPartTimeout = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan ManagementTimeout = TimeSpan.FromSeconds(2);

    public string Subject { get; } = $"public address {settings.Public.Origin}";

    private Uri Probe => new(settings.Public.Origin + settings.ScriptName + PagesFeature.ProbePath);

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancel)
    {
        if (ExampleHost.IsExample(settings.Public.Hostname))
        {
            return [Finding.Skipped(Subject, "not asked, because it is an example's")];
        }

        using HttpClient client = new(outbound.CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MaxAnswerBytes };
        string? expected = lifetime.ApplicationStarted.IsCancellationRequested ? run.Text : await RunningGatewayAsync(cancel);
        Finding arrival = await ArrivalAsync(client, expected, cancel);
        if (arrival.Level != FindingLevel.Good)
        {
            return [arrival];
        }

        Task<Finding> body = BodyAsync(client, cancel);
        Task<Finding> parts = PartsAsync(client, cancel);
        Task<Finding> socket = SocketAsync(cancel);
        return [arrival, await body, await parts, await socket];
    }

    /// <summary>A command is another process than the gateway: where that runs beside it, the management address gives its number.</summary>
    private async Task<string?> RunningGatewayAsync(CancellationToken cancel)
    {
        using Deadline deadline = new(ManagementTimeout, time, cancel);
        UriBuilder address = new(settings.ManagementUrl) { Path = ManagementPaths.Run };
        if (address.Host is "0.0.0.0" or "[::]")
        {
            address.Host = "127.0.0.1";
        }

        try
        {
            using HttpClient client = new() { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MaxAnswerBytes };
            string text = await client.GetStringAsync(address.Uri, deadline.Token);
            return GatewayRun.IsOfGateway(text) ? text : null;
        }
        catch (Exception away) when (away is HttpRequestException || (away is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return null;
        }
    }

    private async Task<Finding> ArrivalAsync(HttpClient client, string? expected, CancellationToken cancel)
    {
        try
        {
            using Deadline deadline = new(AnswerTimeout, time, cancel);
            using HttpRequestMessage request = new(HttpMethod.Get, Probe);
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/plain"));
            using HttpResponseMessage response = await client.SendAsync(request, deadline.Token);
            string text = await response.Content.ReadAsStringAsync(deadline.Token);
            return response.StatusCode == HttpStatusCode.OK && GatewayRun.IsOfGateway(text)
                ? JudgeNumber(text, expected)
                : JudgeAnswer(response, text, expected);
        }
        catch (HttpRequestException error) when (error.HttpRequestError == HttpRequestError.SecureConnectionError)
        {
            return Finding.Problem(
                Subject,
                $"the TLS connection failed ({ProviderFailureText.Innermost(error)})",
                "Correct the certificate of the proxy in front; if browsers trust its authority, mount the authority's certificate for the gateway, too");
        }
        catch (Exception error) when (error is HttpRequestException || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return JudgeSilence(error, expected);
        }
    }

    private Finding JudgeSilence(Exception error, string? expected)
    {
        string reason = error switch
        {
            HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => "its host name is not known here",
            HttpRequestException => $"the connection failed ({ProviderFailureText.Innermost(error)})",
            _ => $"it did not answer in {AnswerTimeout.TotalSeconds:0} s",
        };
        return expected is null
            ? Finding.Warning(Subject, $"no gateway answers there yet: {reason}", "Start the gateway and the proxy in front, and check again")
            : Finding.Warning(
                Subject,
                $"the gateway cannot ask it: {reason}",
                "If browsers do not reach it either, correct PAPERLESS_URL. If they do, this is no fault: many networks do not lead a container to its own "
                    + "public address");
    }

    private Finding JudgeNumber(string text, string? expected)
    {
        if (expected is null || text == expected)
        {
            return Finding.Good(Subject, expected is null ? "a gateway answers there" : "requests arrive at this gateway, with the right host");
        }

        return settings.Storage.Redis is null
            ? Finding.Problem(Subject, "another gateway answers there", "Let the proxy in front pass requests on to this gateway, or stop the other one")
            : Finding.Good(Subject, "a gateway answers there");
    }

    private Finding JudgeAnswer(HttpResponseMessage response, string text, string? expected)
    {
        int status = (int)response.StatusCode;
        if (status == StatusCodes.Status421MisdirectedRequest && text.Contains("host_", StringComparison.Ordinal))
        {
            return Finding.Problem(
                Subject,
                "the gateway gets its requests with another Host header",
                "The proxy in front must pass on the Host header of the browser, with its port (in nginx: proxy_set_header Host $http_host)");
        }

        if (status == StatusCodes.Status429TooManyRequests)
        {
            return Finding.Skipped(Subject, "not checked: the probe is busy with other requests");
        }

        if (response.Headers.Location is { } location && Uri.TryCreate(Probe, location, out Uri? target))
        {
            return JudgeRedirect(status, target);
        }

        if (status is 502 or 503 or 504)
        {
            string seen = $"the proxy in front answers {status}";
            return expected is null
                ? Finding.Warning(Subject, $"{seen}: no gateway runs behind it yet", "Start the gateway, and check again")
                : Finding.Problem(Subject, $"{seen}: it does not reach the gateway", "Correct the gateway's address in the configuration of that proxy");
        }

        return Finding.Problem(
            Subject,
            $"{Probe} answers {status} without the gateway's number: another program answers there",
            "Let the proxy in front pass every path on to the gateway, or correct PAPERLESS_URL. If browsers reach the gateway there, the name leads the "
                + "gateway to another place than them: let it resolve to the proxy in front");
    }

    private Finding JudgeRedirect(int status, Uri target)
    {
        if (target.Authority == Probe.Authority && target.AbsolutePath.EndsWith("/accounts/login/", StringComparison.Ordinal))
        {
            return Finding.Problem(
                Subject,
                "Paperless itself answers there, without the gateway",
                "Let the proxy in front pass requests on to the gateway, and let nothing else reach Paperless");
        }

        string origin = target.GetLeftPart(UriPartial.Authority);
        return Finding.Problem(
            Subject,
            $"{Probe} answers {status}, a redirect to {origin}",
            origin == settings.Public.Origin
                ? "Something in front redirects requests, such as a login proxy: let it pass every path on to the gateway"
                : "Set PAPERLESS_URL to the address that the browser shows in the end, or let the proxy in front not redirect");
    }

    private async Task<Finding> BodyAsync(HttpClient client, CancellationToken cancel)
    {
        string subject = $"{Subject}: uploads";
        try
        {
            using Deadline deadline = new(AnswerTimeout, time, cancel);
            using HttpRequestMessage request = new(HttpMethod.Post, Probe) { Content = new ByteArrayContent(new byte[BodyBytes]) };

            // A proxy that refuses the size says so before the body is sent; otherwise it could close the connection first.
            request.Headers.ExpectContinue = true;
            using HttpResponseMessage response = await client.SendAsync(request, deadline.Token);
            return response.StatusCode switch
            {
                HttpStatusCode.OK => Finding.Good(subject, "a body of 1.5 MiB arrives"),
                HttpStatusCode.RequestEntityTooLarge => Finding.Problem(
                    subject,
                    "the proxy in front refuses a body of 1.5 MiB (413), so documents cannot be uploaded",
                    "Allow any size there (in nginx: client_max_body_size 0)"),
                _ => Finding.Warning(
                    subject, $"a body of 1.5 MiB is answered {(int)response.StatusCode}", "Look at the log of the proxy in front, or of the gateway"),
            };
        }
        catch (Exception error) when (error is HttpRequestException || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return Finding.Warning(
                subject,
                $"a body of 1.5 MiB does not arrive ({ProviderFailureText.Innermost(error)})",
                "Allow large bodies in the proxy in front (in nginx: client_max_body_size 0)");
        }
    }

    /// <summary>The gateway ends the answer when it is told to: a part that comes only then was held back on its way.</summary>
    private async Task<Finding> PartsAsync(HttpClient client, CancellationToken cancel)
    {
        string subject = $"{Subject}: answers in parts";
        string id = RandomNumberGenerator.GetHexString(32, lowercase: true);
        try
        {
            using Deadline deadline = new(AnswerTimeout, time, cancel);
            Task<string> first = FirstPartAsync(client, id, deadline.Token);
            bool isHeldBack = await IsLateAsync(first, cancel);
            string end = await client.GetStringAsync(new Uri($"{Probe}?{ProbeEndpoint.Release}={id}"), deadline.Token);
            string start = await first;
            if (!GatewayRun.IsOfGateway(start) || (isHeldBack && start != end))
            {
                return Finding.Skipped(subject, "not checked: the probe is busy, or another gateway answers there, too");
            }

            return isHeldBack
                ? Finding.Warning(
                    subject,
                    "the proxy in front holds an answer back until it is complete, so Paperless's chat shows nothing until it has ended",
                    "Let it pass answers on as they come (in nginx: proxy_buffering off)")
                : Finding.Good(subject, "they arrive as they are written");
        }
        catch (Exception error) when (error is HttpRequestException or IOException
            || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return Finding.Skipped(subject, $"not checked: {ProviderFailureText.Innermost(error)}");
        }
    }

    private async Task<bool> IsLateAsync(Task<string> first, CancellationToken cancel)
    {
        try
        {
            await first.WaitAsync(FirstPartTimeout, time, cancel);
            return false;
        }
        catch (TimeoutException)
        {
            return true;
        }
    }

    /// <returns>As much as the number is long, without waiting for the end of the answer.</returns>
    private async Task<string> FirstPartAsync(HttpClient client, string id, CancellationToken cancel)
    {
        Uri address = new($"{Probe}?{ProbeEndpoint.Hold}={id}");
        using HttpResponseMessage response = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancel);
        await using Stream body = await response.Content.ReadAsStreamAsync(cancel);
        byte[] buffer = new byte[GatewayRun.TextLength];
        int length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel);
        return Encoding.UTF8.GetString(buffer.AsSpan(0, length));
    }

    private async Task<Finding> SocketAsync(CancellationToken cancel)
    {
        string subject = $"{Subject}: WebSockets";
        try
        {
            using Deadline deadline = new(AnswerTimeout, time, cancel);
            using HttpMessageInvoker invoker = new(outbound.CreateHandler());
            using ClientWebSocket socket = new();
            string scheme = settings.Public.IsHttps ? Uri.UriSchemeWss : Uri.UriSchemeWs;
            UriBuilder address = new(Probe) { Scheme = scheme, Port = Probe.Port };
            await socket.ConnectAsync(address.Uri, invoker, deadline.Token);
            byte[] buffer = new byte[128];
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), deadline.Token);
            return GatewayRun.IsOfGateway(Encoding.UTF8.GetString(buffer.AsSpan(0, received.Count)))
                ? Finding.Good(subject, "they are passed on")
                : Finding.Warning(subject, "another program answers them", "Let the proxy in front pass WebSockets on to the gateway");
        }
        catch (Exception error) when (error is WebSocketException or HttpRequestException
            || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return Finding.Warning(
                subject,
                "the proxy in front does not pass them on, so Paperless shows no progress of uploads",
                "Pass on the headers Upgrade and Connection (in nginx: proxy_http_version 1.1 and proxy_set_header Upgrade $http_upgrade)");
        }
    }
}
