using BenchmarkDotNet.Attributes;
using Gateway.Access;
using Gateway.Forwarding;
using Gateway.Operations;
using Gateway.Sessions;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Gateway.Benchmarks;

/// <summary>
/// One request of a browser through everything that is before the forwarding, in the pipeline's own classes and order, from the request
/// log, which is off, on; a forwarder that sends nothing stands at its end. What YARP by itself takes to make
/// the request to Paperless is beside it.
/// </summary>
[MemoryDiagnoser]
public class WholeRequest : IDisposable
{
    private readonly DefaultHttpContext _context = new();
    private readonly DefaultHttpContext _withFewer = new();
    private GatewayInside _gateway = null!;
    private HttpTransformer _yarp = null!;
    private RequestDelegate _whole = null!;
    private RequestDelegate _decided = null!;

    [GlobalSetup]
    public async Task SignInAsync()
    {
        _gateway = await GatewayInside.OpenAsync();
        _yarp = _gateway.Get<ITransformBuilder>().Create(_ => { });
        _whole = Pipeline(new MakesTheRequest());
        _decided = Pipeline(new MakesNothing());
        Fill(_context, Wrk.BrowserHeaders);
        Fill(_withFewer, Wrk.BrowserHeaders.Where(header => !header.StartsWith("sec-ch-ua", StringComparison.Ordinal)));
        await CheckAsync();
    }

    [Benchmark(Description = "the request to Paperless: HttpRequestMessage with YARP's copy of the headers")]
    public ValueTask Copied() => MakesTheRequest.MakeAsync(_context, "http://paperless:8000", HttpTransformer.Default);

    [Benchmark(Baseline = true, Description = "the same with X-Forwarded-*, as plain YARP sends it")]
    public ValueTask YarpsOwn() => MakesTheRequest.MakeAsync(_context, "http://paperless:8000", _yarp);

    [Benchmark(Description = "all checks: path, host, session, access rule, cross-site guard")]
    public Task Decided() => _decided(_context);

    [Benchmark(Description = "everything: all checks, and the request to Paperless with its headers and cookies")]
    public Task Whole() => _whole(_context);

    [Benchmark(Description = "plain YARP's request, for a browser with three headers fewer")]
    public ValueTask YarpsOwnOfFewer() => MakesTheRequest.MakeAsync(_withFewer, "http://paperless:8000", _yarp);

    [Benchmark(Description = "everything, for that browser")]
    public Task WholeOfFewer() => _whole(_withFewer);

    [GlobalCleanup]
    public void Dispose()
    {
        _gateway?.Dispose();
        GC.SuppressFinalize(this);
    }

    private void Fill(DefaultHttpContext context, IEnumerable<string> headers)
    {
        HttpRequest request = context.Request;
        (request.Method, request.Scheme, request.Path, request.QueryString)
            = ("GET", "https", "/api/documents/", new QueryString("?page=1&page_size=50&ordering=-created"));
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = request.Path + request.QueryString;
        context.Connection.RemoteIpAddress = new System.Net.IPAddress([192, 0, 2, 7]);
        request.Host = new HostString("docs.example.com");
        foreach (string[] header in headers.Select(header => header.Split(": ", 2)))
        {
            request.Headers[header[0]] = header[1];
        }

        request.Headers.Cookie = _gateway.Cookie;
    }

    /// <summary>Request log, front door, session, forwarding, as in the program.</summary>
    private RequestDelegate Pipeline(IHttpForwarder forwarder)
    {
        IServiceProvider services = _gateway.Services;
        PaperlessForwarder paperless = ActivatorUtilities.CreateInstance<PaperlessForwarder>(services, forwarder);
        AllowedRequestForwarder allowed = ActivatorUtilities.CreateInstance<AllowedRequestForwarder>(services, paperless);
        RequestDelegate nothing = _ => throw new InvalidOperationException("This request is Paperless's.");
        RequestDelegate forwarding = ActivatorUtilities.CreateInstance<RequestDispatcher>(services, nothing, allowed).InvokeAsync;
        RequestDelegate session = ActivatorUtilities.CreateInstance<SessionMiddleware>(services, forwarding).InvokeAsync;
        RequestDelegate frontDoor = ActivatorUtilities.CreateInstance<HostAndPathGuard>(services, session).InvokeAsync;
        return ActivatorUtilities.CreateInstance<RequestLog>(services, frontDoor).InvokeAsync;
    }

    /// <exception cref="InvalidOperationException">The request is not forwarded as it should be: its figures would mean nothing.</exception>
    private async Task CheckAsync()
    {
        MakesTheRequest forwarder = new() { Keeps = true };
        await Pipeline(forwarder)(_context);
        using HttpRequestMessage made = forwarder.Made
            ?? throw new InvalidOperationException($"The request was not forwarded, but answered with {_context.Response.StatusCode}.");
        string user = made.Headers.NonValidated["Remote-User"].ToString();
        string cookie = made.Headers.NonValidated["Cookie"].ToString();
        if (user != "user-7" || !cookie.Contains("sessionid=3hh3jv3j6ykqnxbi2po6wh5bhgriqmdr", StringComparison.Ordinal)
            || cookie.Contains("paperless-gateway", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"The request was forwarded for \"{user}\" with cookies \"{cookie}\".");
        }
    }

    /// <summary>Makes the request to Paperless as YARP's forwarder does, and sends it nowhere.</summary>
    private sealed class MakesTheRequest : IHttpForwarder
    {
        public bool Keeps { get; init; }

        public HttpRequestMessage? Made { get; private set; }

        public ValueTask<ForwarderError> SendAsync(
            HttpContext context,
            string destinationPrefix,
            HttpMessageInvoker httpClient,
            ForwarderRequestConfig requestConfig,
            HttpTransformer transformer)
        {
            if (Keeps)
            {
                HttpRequestMessage request = new(HttpMethod.Get, (Uri?)null);
                ValueTask done = transformer.TransformRequestAsync(context, request, destinationPrefix, CancellationToken.None);
                Made = done.IsCompletedSuccessfully ? request : throw new InvalidOperationException("The transformer waits.");
                return new(ForwarderError.None);
            }

            ValueTask made = MakeAsync(context, destinationPrefix, transformer);
            return made.IsCompletedSuccessfully ? new(ForwarderError.None) : throw new InvalidOperationException("The transformer waits.");
        }

        public ValueTask<ForwarderError> SendAsync(
            HttpContext context,
            string destinationPrefix,
            HttpMessageInvoker httpClient,
            ForwarderRequestConfig requestConfig,
            HttpTransformer transformer,
            CancellationToken cancellationToken) =>
            SendAsync(context, destinationPrefix, httpClient, requestConfig, transformer);

        public static ValueTask MakeAsync(HttpContext context, string destinationPrefix, HttpTransformer transformer)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, (Uri?)null);
            ValueTask done = transformer.TransformRequestAsync(context, request, destinationPrefix, CancellationToken.None);
            request.RequestUri ??= RequestUtilities.MakeDestinationAddress(destinationPrefix, context.Request.Path, context.Request.QueryString);
            return done;
        }
    }

    /// <summary>Takes the request that was decided on, and makes none of its own.</summary>
    private sealed class MakesNothing : IHttpForwarder
    {
        public ValueTask<ForwarderError> SendAsync(
            HttpContext context,
            string destinationPrefix,
            HttpMessageInvoker httpClient,
            ForwarderRequestConfig requestConfig,
            HttpTransformer transformer) =>
            new(ForwarderError.None);
    }
}
