using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Gateway.Settings;

/// <summary>Says in plain words why the certificate of a server is not trusted. What is trusted is decided by .NET.</summary>
internal static class ServerCertificate
{
    private const int MaxNames = 5;

    /// <summary>For <see cref="SslClientAuthenticationOptions.RemoteCertificateValidationCallback"/>.</summary>
    /// <exception cref="UntrustedCertificateException">The certificate is not trusted. The message is the reason.</exception>
    public static bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        errors == SslPolicyErrors.None
            ? true
            : throw Describe((sender as SslStream)?.TargetHostName ?? "", certificate as X509Certificate2, chain, errors);

    private static UntrustedCertificateException Describe(string host, X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null)
        {
            return new("the server sent no certificate", CertificateFault.Untrusted);
        }

        X509ChainStatusFlags flags = (chain?.ChainStatus ?? []).Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status);
        if (flags.HasFlag(X509ChainStatusFlags.NotTimeValid))
        {
            return new($"the certificate is valid from {Date(certificate.NotBefore)} to {Date(certificate.NotAfter)} only", CertificateFault.OutOfDate);
        }

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return new($"the certificate is for {Names(certificate)}, not for {host}", CertificateFault.OtherName);
        }

        if (certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData))
        {
            return new($"the certificate is self-signed ({Name(certificate)})", CertificateFault.Untrusted);
        }

        if ((flags & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0)
        {
            X509Certificate2 last = chain!.ChainElements.Count > 0 ? chain.ChainElements[^1].Certificate : certificate;
            string authority = last.GetNameInfo(X509NameType.SimpleName, forIssuer: true);
            return new($"the authority \"{authority}\" that issued the certificate is not trusted", CertificateFault.Untrusted);
        }

        string reason = flags.HasFlag(X509ChainStatusFlags.Revoked) ? "the certificate is revoked" : $"the certificate is not valid ({flags})";
        return new(reason, CertificateFault.Untrusted);
    }

    private static string Names(X509Certificate2 certificate)
    {
        string[] names =
        [
            .. certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
                .SelectMany(extension => extension.EnumerateDnsNames().Concat(extension.EnumerateIPAddresses().Select(address => address.ToString())))
                .Take(MaxNames),
        ];
        return names.Length == 0 ? Name(certificate) : string.Join(", ", names);
    }

    private static string Name(X509Certificate2 certificate) => certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);

    private static string Date(DateTime time) => time.ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}

/// <summary>The certificate of a server is not trusted. The message is the reason.</summary>
internal sealed class UntrustedCertificateException(string message, CertificateFault fault) : AuthenticationException(message)
{
    public CertificateFault Fault { get; } = fault;
}

internal enum CertificateFault
{
    Untrusted,

    /// <summary>Expired, or not valid yet.</summary>
    OutOfDate,

    OtherName,
}
