using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Gateway.ReadAhead;

/// <summary>Makes requests that stand for those of a page's script: with the user and the headers with which the browser opened the page.</summary>
internal sealed class AheadRequest
{
    /// <summary>Browsers send these headers equally with a page and with the requests of its scripts; the answer depends on them.</summary>
    private static readonly string[] ComparedHeaders = ["Host", "Accept-Encoding", "Accept-Language"];

    private readonly KeyValuePair<string, StringValues>[] _headers;
    private readonly StringValues _agent;
    private readonly ClaimsPrincipal _user;
    private readonly IPAddress? _address;
    private readonly string _scheme;
    private readonly string _base;

    /// <param name="navigation">The request that opened the page; not kept.</param>
    /// <param name="cookie">The cookies that the browser sends after the page.</param>
    public AheadRequest(HttpContext navigation, string cookie)
    {
        HttpRequest request = navigation.Request;
        _headers = [.. ComparedHeaders.Select(name => KeyValuePair.Create(name, request.Headers[name]))];
        _agent = request.Headers.UserAgent;
        _user = navigation.User;
        _address = navigation.Connection.RemoteIpAddress;
        _scheme = request.Scheme;
        _base = request.PathBase.Value ?? "";
        Cookie = cookie;
    }

    public string Cookie { get; }

    /// <summary>The `User-Agent` header.</summary>
    public string Agent => _agent.ToString();

    public bool HasSameHeaders(IHeaderDictionary headers) => _headers.All(header => headers[header.Key] == header.Value);

    /// <summary>A request as the forwarder takes it.</summary>
    public HttpContext CreateContext(PageRequest asked)
    {
        string[] parts = asked.Target.Split('?', 2);
        DefaultHttpContext context = new() { User = _user };
        HttpRequest request = context.Request;
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = asked.Target;
        context.Connection.RemoteIpAddress = _address;
        request.Protocol = HttpProtocol.Http11;
        request.Method = HttpMethods.Get;
        request.Scheme = _scheme;
        request.PathBase = _base;
        request.Path = parts[0][_base.Length..];
        request.QueryString = parts.Length > 1 ? new QueryString("?" + parts[1]) : QueryString.Empty;
        foreach ((string name, StringValues value) in _headers)
        {
            request.Headers[name] = value;
        }

        request.Headers.UserAgent = _agent;
        request.Headers.Accept = asked.Accept;
        request.Headers.Cookie = Cookie.Length > 0 ? Cookie : StringValues.Empty;
        return context;
    }
}
