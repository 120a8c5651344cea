using System.Net;

namespace Gateway.Tests.Kit;

/// <summary>Another gateway replica of a <see cref="World"/>.</summary>
internal sealed class Replica(World world, int port) : IAsyncDisposable
{
    private readonly string _data = world.DataDirectory + "-" + port;

    public CapturedLog Log { get; } = new();

    public GatewayUnderTest Gateway { get; private set; } = null!;

    public int Port => port;

    public Dictionary<string, string?> Settings() => new(world.Settings()) { ["GATEWAY_DATA_DIR"] = _data };

    public void Start() => Gateway = GatewayUnderTest.Start(Settings(), port, world.Clock, Log, certificate: null, world.Options.Services);

    /// <summary>A new browser whose requests go to this replica.</summary>
    public Visitor NewVisitor() => new(world, certificate: null, replica: port);

    /// <summary>A browser with the same cookies whose requests go to this replica.</summary>
    public Visitor Sent(Visitor visitor)
    {
        Visitor sent = NewVisitor();
        foreach (Cookie cookie in visitor.Cookies.GetCookies(new Uri(world.Origin)))
        {
            sent.Cookies.Add(new Uri(world.Origin), new Cookie(cookie.Name, cookie.Value, "/"));
        }

        return sent;
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        if (Directory.Exists(_data))
        {
            Directory.Delete(_data, recursive: true);
        }
    }
}
