using System.Collections.Concurrent;
using System.Net;

namespace Gateway.Tests.StandIns;

/// <summary>An application's back-channel logout address that keeps what it is sent.</summary>
internal sealed class LogoutReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _tokens = new();
    private readonly WebApplication _host;

    private LogoutReceiver()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _host = builder.Build();
        _host.Run(async http => _tokens.Enqueue((await http.Request.ReadFormAsync())["logout_token"].ToString()));
    }

    public Uri Address => new(new Uri(_host.Urls.Single()), "/backchannel/");

    public IReadOnlyCollection<string> Tokens => _tokens;

    public static async Task<LogoutReceiver> StartAsync()
    {
        LogoutReceiver receiver = new LogoutReceiver();
        await receiver._host.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();
}
