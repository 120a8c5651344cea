using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Forwarding;

/// <summary>Large uploads and downloads through the real program are complete and need constant memory.</summary>
/// <remarks>GATEWAY_TEST_TRANSFER_MIB sets the size; docs/performance.md was measured with 1024.</remarks>
[Needs(RealPart.Process)]
public sealed class TransferTests(ITestOutputHelper output)
{
    private const int MostMemory = 200;
    private const int Period = DocumentFiles.BigDownloadPeriod;

    private static readonly long Bytes = 1024L * 1024
        * int.Parse(Environment.GetEnvironmentVariable("GATEWAY_TEST_TRANSFER_MIB") ?? "256", CultureInfo.InvariantCulture);

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_large_download_arrives_complete_at_constant_memory(string version) => await MeasureAsync("down", version, async browser =>
    {
        using HttpRequestMessage request = new(HttpMethod.Get, $"/api/documents/big/download/?bytes={Bytes}")
        {
            Version = browser.DefaultRequestVersion,
            VersionPolicy = browser.DefaultVersionPolicy,
        };
        using HttpResponseMessage response = await browser.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, World.Ct);
        await using Stream body = await response.Content.ReadAsStreamAsync(World.Ct);
        byte[] buffer = new byte[256 * 1024];
        byte[] pattern = [.. Enumerable.Range(0, buffer.Length + Period).Select(index => (byte)(index % Period))];
        long length = 0;
        for (int read; (read = await body.ReadAsync(buffer, World.Ct).AsTask().InTimeAsync("More of the file comes.")) > 0; length += read)
        {
            Assert.True(pattern.AsSpan((int)(length % Period), read).SequenceEqual(buffer.AsSpan(0, read)), $"after {length} bytes");
        }

        Assert.Equal((Bytes, Version.Parse(version)), (length, response.Version));
    });

    [Theory]
    [InlineData(true, "1.1")]
    [InlineData(false, "1.1")]
    [InlineData(true, "2.0")]
    [InlineData(false, "2.0")]
    public async Task A_large_upload_arrives_complete_at_constant_memory(bool withLength, string version) => await MeasureAsync(withLength
        ? "up with a length"
        : "up without a length", version, async browser =>
    {
        using MultipartFormDataContent form = new() { { new BigFile(withLength), "document", "big.pdf" } };
        using HttpRequestMessage request = new(HttpMethod.Post, "/api/documents/post_document/")
        {
            Content = form,
            Version = browser.DefaultRequestVersion,
            VersionPolicy = browser.DefaultVersionPolicy,
        };
        request.Headers.TransferEncodingChunked = !withLength && version == "1.1";

        using HttpResponseMessage response = await browser.SendAsync(request, World.Ct);

        Assert.Equal((HttpStatusCode.OK, Version.Parse(version)), (response.StatusCode, response.Version));
    });

    /// <param name="version">Over HTTP/2 the gateway has a certificate, because browsers speak HTTP/2 over TLS only.</param>
    private async Task MeasureAsync(string what, string version, Func<HttpClient, Task> transfer)
    {
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificateFromFile(PrivateAuthority.CertificateFile);
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            if (version == "2.0")
            {
                options.Https = true;
                options.Settings["Kestrel__Certificates__Default__Path"] = PrivateAuthority.CertificateFile;
                options.Settings["Kestrel__Certificates__Default__KeyPath"] = PrivateAuthority.KeyFile;
            }
        });
        await using GatewayProcess gateway = await GatewayProcess.StartAsync(world);
        using Visitor alice = new(world, certificate);
        await alice.SignInAsync("alice");
        using HttpClient browser = new(new SocketsHttpHandler
        {
            UseCookies = false,
            SslOptions = { RemoteCertificateValidationCallback = (_, given, _, _) => given?.GetCertHashString() == certificate.GetCertHashString() },
        })
        {
            BaseAddress = new Uri(world.Origin),
            Timeout = TimeSpan.FromMinutes(10),
            DefaultRequestVersion = Version.Parse(version),
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        browser.DefaultRequestHeaders.Add("Cookie", alice.Cookies.GetCookieHeader(new Uri(world.Origin)));
        browser.DefaultRequestHeaders.Add("X-CSRFToken", alice.Cookie("csrftoken"));
        int before = gateway.PeakMemory();
        Stopwatch watch = Stopwatch.StartNew();

        await transfer(browser);

        TimeSpan elapsed = watch.Elapsed;
        int peak = gateway.PeakMemory();
        output.WriteLine($"{Bytes >> 20} MiB {what} over HTTP/{version}: {elapsed.TotalSeconds:F1} s, peak memory {peak} MiB ({before} MiB before)");
        if (what != "down")
        {
            PaperlessUpload upload = Assert.Single(world.Paperless.Data.Uploads);
            Assert.Equal((Bytes, BigFile.Sha256()), (upload.Length, upload.Sha256));
            Assert.Empty(Directory.GetFiles(Path.Combine(world.DataDirectory, "spool")));
        }

        Assert.InRange(peak, 1, MostMemory);
    }

    /// <summary>A file that nobody holds in memory.</summary>
    private sealed class BigFile(bool withLength) : HttpContent
    {
        private static readonly byte[] Block = [.. Enumerable.Range(0, 1 << 18).Select(index => (byte)(index * 31 / 7))];

        public static string Sha256()
        {
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (long sent = 0; sent < Bytes; sent += Block.Length)
            {
                hash.AppendData(Block);
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (long sent = 0; sent < Bytes; sent += Block.Length)
            {
                await stream.WriteAsync(Block, World.Ct);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = Bytes;
            return withLength;
        }
    }
}
