using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Gateway.Settings;

namespace Gateway.Operations;

/// <summary>The PEM files of Kestrel's default certificate: the certificate with its intermediates, and the private key.</summary>
/// <param name="Password">Of the key; null if it is not encrypted.</param>
/// <param name="Folder">Where relative paths begin, as in Kestrel.</param>
internal sealed record CertificateFiles(string Path, string KeyPath, string? Password, string Folder)
{
    private const string Section = "Kestrel:Certificates:Default";

    private const int MaxBytes = (256 * 1024) - 1;

    /// <returns>Null without a certificate, and for a certificate that is not in two PEM files.</returns>
    public static CertificateFiles? From(IConfiguration configuration, string folder)
    {
        IConfigurationSection section = configuration.GetSection(Section);
        return section["Path"] is { Length: > 0 } path && section["KeyPath"] is { Length: > 0 } key
            ? new CertificateFiles(path, key, section["Password"], folder)
            : null;
    }

    /// <exception cref="IOException">A file cannot be read, or is too large.</exception>
    /// <exception cref="UnauthorizedAccessException">The gateway may not read a file.</exception>
    public CertificateContent Read() => new(ReadText(Path), ReadText(KeyPath), Password);

    private string ReadText(string path)
    {
        byte[] content = BoundedFile.Read(System.IO.Path.GetFullPath(path, Folder), MaxBytes)
            ?? throw new IOException($"{path} is larger than a certificate.");
        return Encoding.UTF8.GetString(content);
    }
}

/// <summary>What both files had at one time.</summary>
internal sealed record CertificateContent(string Certificates, string Key, string? Password)
{
    public string Fingerprint => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Certificates}\0{Key}")));

    /// <exception cref="CryptographicException">A file is not complete, or the key belongs to another certificate.</exception>
    public LoadedCertificate Load()
    {
        if (Count("-----BEGIN ") == 0 || Count("-----BEGIN ") != Count("-----END "))
        {
            throw new CryptographicException("The certificate file is not complete.");
        }

        try
        {
            X509Certificate2 certificate = Password is null
                ? X509Certificate2.CreateFromPem(Certificates, Key)
                : X509Certificate2.CreateFromEncryptedPem(Certificates, Key, Password);
            X509Certificate2Collection chain = [];
            chain.ImportFromPem(Certificates);
            return new LoadedCertificate(certificate, chain);
        }
        catch (ArgumentException error)
        {
            // Thrown for a key of another certificate. Its message names the parameter, too.
            throw new CryptographicException("The key does not belong to the certificate.", error);
        }
    }

    private int Count(string mark) => Certificates.AsSpan().Count(mark);
}

/// <param name="Chain">All certificates of the file.</param>
internal sealed record LoadedCertificate(X509Certificate2 Certificate, X509Certificate2Collection Chain)
{
    public DateTimeOffset ExpiresAt => new(Certificate.NotAfter.ToUniversalTime());
}
