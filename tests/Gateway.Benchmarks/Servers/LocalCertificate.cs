using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Gateway.Benchmarks.Servers;

/// <summary>A certificate for localhost, in the forms that the gateway and nginx read.</summary>
/// <param name="KeyHash">By which a browser is told to trust it.</param>
internal sealed record LocalCertificate(string Pfx, string Pem, string Key, string KeyHash)
{
    public static LocalCertificate Write(Workbench bench)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        string pfx = Path.Combine(bench.Folder, "localhost.pfx");
        File.WriteAllBytes(pfx, certificate.Export(X509ContentType.Pkcs12));
        return new LocalCertificate(
            pfx,
            bench.File("localhost.pem", certificate.ExportCertificatePem()),
            bench.File("localhost.key", key.ExportPkcs8PrivateKeyPem()),
            Convert.ToBase64String(SHA256.HashData(key.ExportSubjectPublicKeyInfo())));
    }
}
