using System.Text;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.StandIns.Paperless;

/// <summary>A request as it arrived: one pair for each header line, nothing folded, values read as Latin-1.</summary>
internal sealed record ReceivedRequest(
    string Method,
    string RawTarget,
    IReadOnlyList<KeyValuePair<string, string>> Headers)
{
    /// <summary>Who Paperless took it for; known, like the status, before the client sees the answer's first byte.</summary>
    public string? SignedInAs { get; set; }

    /// <summary>0 while nothing has been answered, and for good when the connection was dropped.</summary>
    public int Status { get; set; }

    public long BodyLength { get; set; }

    /// <summary>Which of Django's routes took it, such as "admin:login/"; null for a static file, a WebSocket and what was not routed.</summary>
    public string? Route { get; set; }

    /// <summary>A fault has closed the connection without an answer.</summary>
    public bool Dropped { get; set; }

    public string RawPath => PathAndQuery.Split('?', 2)[0];

    /// <summary>As a server of ASGI gives it to Django: unescaped, %2F too, and dot segments kept.</summary>
    public string Path => Uri.UnescapeDataString(RawPath);

    public string Query => PathAndQuery.Split('?', 2) is [_, var query] ? query : "";

    /// <summary>The target without the scheme and host that a client may put before it.</summary>
    public string PathAndQuery => RawTarget.StartsWith('/') || !Uri.TryCreate(RawTarget, UriKind.Absolute, out Uri? whole)
        ? RawTarget
        : whole.PathAndQuery;

    public IReadOnlyList<string> Lines(string header) =>
        [.. Headers.Where(line => line.Key.Equals(header, StringComparison.OrdinalIgnoreCase)).Select(line => line.Value)];

    /// <summary>All the lines of that name joined with a comma, as Django joins them; null when there is none.</summary>
    public string? Header(string name) => Lines(name) is { Count: > 0 } lines ? string.Join(',', lines) : null;

    public static ReceivedRequest From(HttpContext http) => new(
        http.Request.Method,
        http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
        [.. http.Request.Headers.SelectMany(header => header.Value.Select(value => KeyValuePair.Create(header.Key, value ?? "")))]);

    private bool PrintMembers(StringBuilder builder)
    {
        builder.Append($"{Method} {RawTarget} → {Status}, as {SignedInAs ?? "nobody"}");
        return true;
    }
}
