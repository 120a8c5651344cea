using System.Diagnostics.Metrics;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Gateway.Metrics;
using Gateway.Settings;

namespace Gateway.Operations;

/// <summary>
/// The certificate of new TLS connections: at first Kestrel's default certificate, later what <see cref="CertificateReload"/> has read. Endpoints with a
/// certificate of their own keep it.
/// </summary>
internal sealed class ServedCertificate
{
    private readonly byte[] _first;
    private volatile Served _now;

    /// <exception cref="SettingsException">The files cannot be used.</exception>
    public ServedCertificate(CertificateFiles files, IMeterFactory meters)
    {
        Files = files;
        (Fingerprint, LoadedCertificate first) = ReadAtStart(files);
        _first = first.Certificate.RawData;
        _now = Served.From(first);
        meters.CreateGatewayMeter().CreateObservableGauge(
            "gateway.certificate.expires_at",
            () => ExpiresAt.ToUnixTimeSeconds(),
            "s",
            "When the served certificate expires, as Unix time. Only for a certificate in PEM files.");
    }

    public CertificateFiles Files { get; }

    /// <summary>Of the files at the start.</summary>
    public string Fingerprint { get; }

    public DateTimeOffset ExpiresAt => _now.ExpiresAt;

    public string Subject => _now.Context.TargetCertificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);

    /// <summary>From now on it is served.</summary>
    public void Replace(LoadedCertificate certificate) => _now = Served.From(certificate);

    /// <summary>Puts the certificate into the options of one connection.</summary>
    public void ApplyTo(SslServerAuthenticationOptions connection)
    {
        if (connection.ServerCertificateContext is { } given && given.TargetCertificate.RawDataMemory.Span.SequenceEqual(_first))
        {
            connection.ServerCertificateContext = _now.Context;
            connection.ServerCertificate = null;
        }
    }

    private static (string Fingerprint, LoadedCertificate Certificate) ReadAtStart(CertificateFiles files)
    {
        try
        {
            CertificateContent content = files.Read();
            return (content.Fingerprint, content.Load());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            const string remedy = "Name the PEM file of the certificate, and in Kestrel__Certificates__Default__KeyPath that of its key.";
            throw new SettingsException([new SettingsProblem("Kestrel__Certificates__Default__Path", error.Message, remedy)]);
        }
    }

    private sealed record Served(SslStreamCertificateContext Context, DateTimeOffset ExpiresAt)
    {
        /// <summary>Offline: the intermediates are those of the file, and nothing is fetched.</summary>
        public static Served From(LoadedCertificate loaded) =>
            new(SslStreamCertificateContext.Create(loaded.Certificate, loaded.Chain, offline: true), loaded.ExpiresAt);
    }
}
