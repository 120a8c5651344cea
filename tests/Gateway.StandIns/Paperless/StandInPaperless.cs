using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Gateway.StandIns.Paperless;

/// <summary>A web application that answers as Paperless-ngx 3.0.5 was seen to answer.</summary>
internal sealed class StandInPaperless : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly PaperlessSite _site;
    private readonly RequestLog _log = new();

    private StandInPaperless(WebApplication app, PaperlessSite site)
    {
        _app = app;
        _site = site;
    }

    public Uri Address { get; private set; } = null!;

    public StandInPaperlessOptions Options => _site.Options;

    /// <summary>Users, groups, sessions, tokens, documents: to seed and to look at.</summary>
    public PaperlessData Data => _site.Data;

    public Faults Faults { get; } = new();

    /// <summary>The open WebSockets and event streams.</summary>
    public LiveStatus LiveStatus => _site.LiveStatus;

    /// <summary>When set, <c>POST /api/documents/chat/</c> sends what the test hands it, when the test hands it.</summary>
    public ScriptedStream? Chat
    {
        get => _site.Chat;
        set => _site.Chat = value;
    }

    public IReadOnlyList<ReceivedRequest> Received => _log.All;

    public void ForgetReceived() => _log.Clear();

    public static async Task<StandInPaperless> StartAsync(
        StandInPaperlessOptions? options = null, CancellationToken ct = default)
    {
        options ??= new StandInPaperlessOptions();

        // The empty builder reads no environment, so the addresses of the machine's own services stay out of it.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(2));
        builder.WebHost.UseUrls(options.Url).UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
            kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
        });

        WebApplication app = builder.Build();
        PaperlessSite site = new PaperlessSite(options, app.Lifetime.ApplicationStopping);
        SeedData.Fill(site.Data, options);
        StandInPaperless paperless = new StandInPaperless(app, site);
        app.UseWebSockets();
        app.Run(paperless.AnswerAsync);
        await app.StartAsync(ct);
        paperless.Address = new Uri(app.Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return paperless;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext http)
    {
        ReceivedRequest received = ReceivedRequest.From(http);
        _log.Add(received);
        http.Response.OnStarting(() =>
        {
            received.Status = received.Dropped ? 0 : http.Response.StatusCode;
            return Task.CompletedTask;
        });

        try
        {
            if (await Faults.LetPassAsync(http, received, _site.Stopping))
            {
                await SiteMap.AnswerAsync(http, _site, received);
            }
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException)
        {
            // The client has left, or the test is over.
            http.Abort();
        }
    }
}
