using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Gateway.Tests.Kit;

/// <summary>A certificate for localhost with its intermediate, and its key, in PEM files as an ACME client writes them.</summary>
internal sealed class CertificateFolder(string folder)
{
    public string CertificateFile => Path.Combine(folder, "fullchain.pem");

    public string KeyFile => Path.Combine(folder, "privkey.pem");

    public string Folder => folder;

    public IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
    {
        ["Kestrel:Certificates:Default:Path"] = CertificateFile,
        ["Kestrel:Certificates:Default:KeyPath"] = KeyFile,
    };

    /// <summary>Writes both files in place, the key first.</summary>
    public IssuedCertificate Write(DateTimeOffset expires)
    {
        IssuedCertificate issued = Issue(expires);
        File.WriteAllText(KeyFile, issued.Key);
        File.WriteAllText(CertificateFile, issued.Certificates);
        return issued;
    }

    /// <summary>A certificate of a new authority with a new intermediate.</summary>
    public static IssuedCertificate Issue(DateTimeOffset expires)
    {
        DateTimeOffset from = DateTimeOffset.UtcNow.AddDays(-1);
        using ECDsa rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using ECDsa middleKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 root = Authority("CN=A root of the tests", rootKey).CreateSelfSigned(from, expires.AddDays(2));
        using X509Certificate2 middle = Authority("CN=An intermediate of the tests", middleKey).Create(root, from, expires.AddDays(1), Serial());
        using X509Certificate2 signer = middle.CopyWithPrivateKey(middleKey);
        CertificateRequest server = new("CN=localhost", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        server.CertificateExtensions.Add(names.Build());
        using X509Certificate2 leaf = server.Create(signer, from, expires, Serial());
        return new IssuedCertificate(
            leaf.ExportCertificatePem() + "\n" + middle.ExportCertificatePem() + "\n",
            key.ExportPkcs8PrivateKeyPem() + "\n",
            leaf.Thumbprint,
            middle.Thumbprint);
    }

    private static byte[] Serial() => RandomNumberGenerator.GetBytes(16);

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        CertificateRequest authority = new(name, key, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        authority.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        return authority;
    }
}

/// <param name="Certificates">PEM: the server's certificate, then the intermediate.</param>
internal sealed record IssuedCertificate(string Certificates, string Key, string Thumbprint, string Intermediate);
