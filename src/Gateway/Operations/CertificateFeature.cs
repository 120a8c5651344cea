using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Gateway.Operations;

/// <summary>A certificate in PEM files that is renewed without a restart.</summary>
internal static class CertificateFeature
{
    /// <returns>
    /// Whether HTTP/3 is offered where the machine has it: it cannot follow a renewed certificate. An operator who asks for HTTP/3 gets it, with the
    /// certificate of the start.
    /// </returns>
    public static bool AddCertificate(this WebApplicationBuilder builder, bool serves)
    {
        CertificateFiles? files = CertificateFiles.From(builder.Configuration, builder.Environment.ContentRootPath);
        if (files is null || !serves || AsksForHttp3(builder.Configuration))
        {
            return true;
        }

        builder.Services.AddSingleton(files);
        builder.Services.AddSingleton<ServedCertificate>();
        builder.Services.AddHostedService<CertificateReload>();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureHttpsDefaults(https =>
        {
            ServedCertificate served = kestrel.ApplicationServices.GetRequiredService<ServedCertificate>();
            https.OnAuthenticate = (_, connection) => served.ApplyTo(connection);
        }));
        return false;
    }

    private static bool AsksForHttp3(ConfigurationManager configuration) => configuration.GetSection("Kestrel").AsEnumerable().Any(pair =>
        pair.Key.EndsWith(":Protocols", StringComparison.OrdinalIgnoreCase)
        && Enum.TryParse(pair.Value, ignoreCase: true, out HttpProtocols protocols)
        && protocols.HasFlag(HttpProtocols.Http3));
}
