using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Checks;

/// <summary>A provider whose certificate is not trusted: the check says why.</summary>
public sealed class ServerCertificateTests
{
    [Fact]
    public Task An_expired_certificate_is_named_with_its_dates() => CheckAsync(
        SelfSigned("localhost", DateTimeOffset.UtcNow.AddDays(-9), DateTimeOffset.UtcNow.AddDays(-2)),
        "the certificate is valid from",
        "Renew the certificate");

    [Fact]
    public Task A_certificate_for_another_name_is_named_with_its_names() => CheckAsync(
        SelfSigned("auth.example.org", DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1)),
        "the certificate is for auth.example.org, not for localhost",
        "Write a name of the certificate in server_url");

    /// <summary>.NET's message about bytes that are no TLS has the word "frame".</summary>
    [Fact]
    public Task A_certificate_with_frame_in_its_name_is_not_taken_for_plain_HTTP() => CheckAsync(
        SelfSigned("mainframe.example.org", DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1)),
        "the certificate is for mainframe.example.org, not for localhost",
        "Write a name of the certificate in server_url");

    [Fact]
    public Task A_self_signed_certificate_is_named() => CheckAsync(
        SelfSigned("localhost", DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1)),
        "the certificate is self-signed (localhost)",
        "mount the certificate of its authority");

    [Fact]
    public Task An_authority_that_is_not_trusted_is_named() => CheckAsync(
        X509Certificate2.CreateFromPemFile(PrivateAuthority.CertificateFile, PrivateAuthority.KeyFile),
        "the authority \"An authority of the tests\" that issued the certificate is not trusted",
        "mount the certificate of its authority");

    [Fact]
    public Task Plain_HTTP_at_a_port_of_TLS_is_named() => CheckAsync(
        SelfSigned("localhost", DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1)),
        "it closed the connection",
        "write https:// in server_url",
        Uri.UriSchemeHttp);

    private static async Task CheckAsync(
        X509Certificate2 certificate, string reason, string remedy, string scheme = "https")
    {
        using X509Certificate2 loaded = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
        certificate.Dispose();
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listener => listener.UseHttps(loaded)));
        await using WebApplication site = builder.Build();
        await site.StartAsync(World.Ct);
        int port = new Uri(site.Urls.Single()).Port;
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        JsonObject app = ProvidersSetting.Of(new Uri($"{scheme}://localhost:{port}/"), "authentik", "paperless", "secret");
        Dictionary<string, string?> settings = world.Settings();
        settings[ProvidersSetting.Variable] = ProvidersSetting.Json(app);

        (int exitCode, string[] lines) = await CheckTests.CommandAsync(settings);

        string line = lines.Single(one => one.StartsWith("✘ authentik: discovery", StringComparison.Ordinal));
        Assert.Equal(1, exitCode);
        Assert.Contains(reason, line, StringComparison.Ordinal);
        Assert.Contains(remedy, line, StringComparison.Ordinal);
    }

    public static X509Certificate2 SelfSigned(string host, DateTimeOffset from, DateTimeOffset to)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={host}", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(from, to);
    }
}
