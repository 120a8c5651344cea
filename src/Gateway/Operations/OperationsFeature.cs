using System.Globalization;
using System.Text;
using Gateway.Access;
using Gateway.Settings;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Gateway.Operations;

/// <summary>Logging, health checks, start and shutdown, and the limits of the server.</summary>
internal static class OperationsFeature
{
    /// <summary>How long running requests may take after SIGTERM and `GATEWAY_DRAIN`.</summary>
    public static readonly TimeSpan GracePeriod = TimeSpan.FromSeconds(30);

    /// <param name="serves">False for a command: its output goes to standard output, so the log goes to standard error as readable text.</param>
    public static void AddOperations(this WebApplicationBuilder builder, GatewaySettings settings, bool serves)
    {
        builder.AddLog(settings.Log, serves);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<Outbound>();
        builder.Services.AddSingleton<RequestLine>();
        builder.Services.AddGatewayHealth(settings);
        builder.Services.AddHostedService<SecretReload>();
        builder.Services.AddHostedService<Drain>();
        builder.Services.AddSingleton<ManagementServer>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ManagementServer>());
        AddSystemd(builder.Services, serves);
        builder.Services.AddSingleton<AccountsCommand>();
        builder.Services.AddSingleton<AccountsImport>();
        builder.Services.AddSingleton<PendingLinksCommand>();
        builder.Services.AddSingleton<NamedUsers>();
        builder.Services.AddSingleton<SessionsCommand>();
        builder.Services.AddSingleton<AppsCommand>();
        builder.Services.Configure<HostOptions>(options =>
        {
            options.ShutdownTimeout = settings.Drain + GracePeriod;

            // Starts both servers in parallel. All other services start quickly, in the order of their registration.
            options.ServicesStartConcurrently = true;

            // Background loops catch their own exceptions. The host logs any other exception and continues.
            options.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore;
        });

        // Enables HTTP/3. Kestrel ignores it without a certificate or QUIC, and then also omits `Alt-Svc`. It is the first configuration source, so
        // that the operator can override it; a value that is set in code could not be overridden.
        HttpProtocols protocols = builder.AddCertificate(serves) ? HttpProtocols.Http1AndHttp2AndHttp3 : HttpProtocols.Http1AndHttp2;
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = [KeyValuePair.Create<string, string?>("Kestrel:EndpointDefaults:Protocols", protocols.ToString())],
        });
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;

            // Uploads of any size are streamed. All other limits of Kestrel apply.
            kestrel.Limits.MaxRequestBodySize = null;

            // Latin-1 keeps header bytes unchanged between clients and Paperless. Content-Length needs Kestrel's default: with another encoding, Kestrel
            // throws at more than 20 digits and logs a stack trace.
            kestrel.RequestHeaderEncodingSelector = name => name.Equals(HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase) ? null : Encoding.Latin1;
            kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
        });
        builder.Services.Configure<ForwardedHeadersOptions>(options =>
        {
            // None must be set explicitly: otherwise ASPNETCORE_FORWARDEDHEADERS_ENABLED would trust every client.
            options.ForwardedHeaders = settings.TrustedProxies.IsEmpty
                ? ForwardedHeaders.None
                : ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedHost;
            options.ForwardLimit = null;
            options.KnownProxies.Clear();
            options.KnownIPNetworks.Clear();
            foreach (System.Net.IPNetwork network in settings.TrustedProxies)
            {
                options.KnownIPNetworks.Add(network);
            }
        });
    }

    /// <summary>
    /// Adds the request log, which answers every exception; then the check of the Host header; then forwarded headers, from trusted proxies only.
    /// </summary>
    public static void UseOperations(this WebApplication app, GatewaySettings settings)
    {
        if (settings.Hsts is { } maxAge)
        {
            StringValues header = string.Create(CultureInfo.InvariantCulture, $"max-age={(long)maxAge.TotalSeconds}");
            Func<object, Task> setHeader = context =>
            {
                ((HttpContext)context).Response.Headers.StrictTransportSecurity = header;
                return Task.CompletedTask;
            };
            app.Use(next => context =>
            {
                // At the start of the answer, so that Paperless's own header is replaced and not doubled.
                context.Response.OnStarting(setHeader, context);
                return next(context);
            });
        }

        app.UseMiddleware<RequestLog>();
        app.UseHostGuard();
        if (settings.Public.IsHttps)
        {
            // Before forwarded headers, which change the client's address.
            app.UseHttpsRedirect();
        }

        if (!settings.TrustedProxies.IsEmpty)
        {
            app.UseForwardedHeaders();
        }
    }

    /// <summary>Tells systemd when the gateway is ready and when it stops (Type=notify). AddSystemd() would ask /proc whether the parent process
    /// is systemd, which ProtectProc hides.</summary>
    private static void AddSystemd(IServiceCollection services, bool serves)
    {
        SystemdNotifier notifier = new();
        if (serves && notifier.IsEnabled)
        {
            services.AddSingleton<ISystemdNotifier>(notifier);
            services.AddSingleton<IHostLifetime, SystemdLifetime>();
        }
    }
}
