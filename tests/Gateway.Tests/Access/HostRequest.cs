using Gateway.Tests.Kit;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Access;

/// <summary>A request to a host that no client would send, and a header of its answer.</summary>
internal static class HostRequest
{
    public const string Html = "Accept: text/html";
    public const string Json = "Accept: application/json";

    public static Task<string> GetAsync(World world, string host, string target, string headers, string method = "GET")
    {
        string connection = headers.Contains("Upgrade:", StringComparison.Ordinal) ? "Upgrade, close" : "close";
        string length = method == "POST" ? "Content-Length: 0\r\n" : "";
        string request = $"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n{length}{headers}\r\n\r\n";
        return RawHttp.SendAsync(new Uri(world.Origin), request);
    }

    public static string? Header(string answer, string name) =>
        answer.Split("\r\n\r\n")[0].Split("\r\n").FirstOrDefault(line => line.StartsWith(name
            + ": ", StringComparison.OrdinalIgnoreCase))?[(name.Length + 2)..];
}
