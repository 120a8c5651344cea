using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Gateway.Operations;
using Gateway.Settings;
using Gateway.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Serilog.Events;

namespace Gateway.Tests.Operations;

/// <summary>Certificate and key files that change while the gateway serves TLS.</summary>
public sealed class CertificateReloadTests : IDisposable
{
    private readonly CertificateFolder _files = new(Directory.CreateTempSubdirectory("gateway-certificate-").FullName);

    private static DateTimeOffset InTwoMonths => DateTimeOffset.UtcNow.AddDays(60);

    [Fact]
    public async Task A_renewed_certificate_is_served_with_its_intermediate_within_a_minute_and_open_connections_stay()
    {
        IssuedCertificate first = _files.Write(InTwoMonths);
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        Handshake before = await ShakeHandsAsync(world);

        IssuedCertificate second = _files.Write(InTwoMonths);
        await AdvanceUntilLoggedAsync(world, "CertificateRead");
        Handshake after = await ShakeHandsAsync(world);

        Assert.Equal((first.Thumbprint, "h2"), (before.Thumbprint, before.Protocol));
        Assert.Contains(first.Intermediate, before.Others);
        Assert.Equal((second.Thumbprint, "h2"), (after.Thumbprint, after.Protocol));
        Assert.Contains(second.Intermediate, after.Others);
        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Single(world.Log.Of("CertificateRead"));
        Assert.DoesNotContain(second.Key.Split('\n')[1], world.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_behind_symbolic_links_is_followed()
    {
        // As Kubernetes exchanges a secret, and certbot a link to its archive.
        Put("first", CertificateFolder.Issue(InTwoMonths));
        Directory.CreateSymbolicLink(Path.Combine(_files.Folder, "..data"), "first");
        File.CreateSymbolicLink(_files.CertificateFile, "..data/fullchain.pem");
        File.CreateSymbolicLink(_files.KeyFile, "..data/privkey.pem");
        await using World world = await StartAsync();

        IssuedCertificate second = CertificateFolder.Issue(InTwoMonths);
        Put("second", second);
        Directory.Delete(Path.Combine(_files.Folder, "..data"));
        Directory.CreateSymbolicLink(Path.Combine(_files.Folder, "..data"), "second");
        await AdvanceUntilLoggedAsync(world, "CertificateRead");

        Assert.Equal(second.Thumbprint, (await ShakeHandsAsync(world)).Thumbprint);
    }

    [Theory]
    [InlineData("half")]
    [InlineData("key")]
    [InlineData("gone")]
    public async Task Files_that_do_not_fit_leave_the_certificate_as_it_is_with_one_log_line_until_they_fit(string fault)
    {
        IssuedCertificate first = _files.Write(DateTimeOffset.UtcNow.AddDays(10));
        await using World world = await StartAsync();
        IssuedCertificate second = CertificateFolder.Issue(InTwoMonths);

        Break(fault, second);
        await AdvanceUntilLoggedAsync(world, "CertificateNotRead");
        int warnings = world.Log.Of("CertificateExpires").Count;
        for (int turn = 1; turn <= 3; turn++)
        {
            // The daily warning shows that the files were looked at again.
            int expected = warnings + turn;
            world.Clock.Advance(TimeSpan.FromDays(1));
            await Wait.UntilAsync(() => world.Log.Of("CertificateExpires").Count == expected, $"There are {expected} warnings.");
            Assert.Equal(first.Thumbprint, (await ShakeHandsAsync(world)).Thumbprint);
        }

        File.WriteAllText(_files.KeyFile, second.Key);
        File.WriteAllText(_files.CertificateFile, second.Certificates);
        await AdvanceUntilLoggedAsync(world, "CertificateRead");

        Assert.Equal(second.Thumbprint, (await ShakeHandsAsync(world)).Thumbprint);
        Assert.Single(world.Log.Of("CertificateNotRead"));
        Assert.DoesNotContain(world.Log.Events, entry => entry.Level >= LogEventLevel.Error);
    }

    [Fact]
    public async Task An_endpoint_with_a_certificate_of_its_own_keeps_it()
    {
        _files.Write(InTwoMonths);
        await using World world = await World.StartAsync(options =>
        {
            options.Https = true;
            Set(options);
        });
        string before = (await ShakeHandsAsync(world)).Thumbprint;

        IssuedCertificate second = _files.Write(InTwoMonths);
        await AdvanceUntilLoggedAsync(world, "CertificateRead");

        Assert.Equal(before, (await ShakeHandsAsync(world)).Thumbprint);
        Assert.NotEqual(before, second.Thumbprint);
    }

    [Fact]
    public async Task Two_weeks_before_it_expires_there_is_a_warning_once_a_day_until_a_renewed_certificate_is_read()
    {
        _files.Write(DateTimeOffset.UtcNow + CertificateReload.WarningTime + TimeSpan.FromHours(12));
        await using World world = await StartAsync();
        Assert.Empty(world.Log.Of("CertificateExpires"));

        for (int day = 1; day <= 3; day++)
        {
            world.Clock.Advance(TimeSpan.FromDays(1));
            int expected = day;
            await Wait.UntilAsync(() => world.Log.Of("CertificateExpires").Count == expected, $"There are {expected} warnings.");
            world.Clock.Advance(TimeSpan.FromHours(1));
            Assert.Equal(expected, world.Log.Of("CertificateExpires").Count);
        }

        _files.Write(InTwoMonths.AddDays(60));
        await AdvanceUntilLoggedAsync(world, "CertificateRead");
        world.Clock.Advance(TimeSpan.FromDays(2));

        // Another certificate shows that the files were looked at again.
        _files.Write(InTwoMonths.AddDays(90));
        await Wait.UntilAsync(
            () =>
            {
                world.Clock.Advance(CertificateReload.Interval);
                return world.Log.Of("CertificateRead").Count == 2;
            },
            "The next certificate is read.");
        Assert.Equal(3, world.Log.Of("CertificateExpires").Count);
    }

    [Theory]
    [InlineData(null, "Http1AndHttp2", true)]
    [InlineData("Http1", "Http1", true)]
    [InlineData("Http1AndHttp2AndHttp3", "Http1AndHttp2AndHttp3", false)]
    public async Task HTTP3_is_off_unless_the_operator_prefers_it_to_a_certificate_that_is_read_again(string? setting, string protocols, bool isReadAgain)
    {
        _files.Write(InTwoMonths);
        await using World world = await StartAsync(options => options.Settings["Kestrel:EndpointDefaults:Protocols"] = setting);

        Assert.Equal(protocols, world.Gateway.Services.GetRequiredService<IConfiguration>()["Kestrel:EndpointDefaults:Protocols"]);
        Assert.Equal(isReadAgain, world.Gateway.Services.GetService<ServedCertificate>() is not null);
    }

    [Fact]
    public void A_start_with_files_that_do_not_fit_is_refused_with_the_name_of_the_setting()
    {
        _files.Write(InTwoMonths);
        Break("key", CertificateFolder.Issue(InTwoMonths));
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();

        SettingsException refused = Assert.Throws<SettingsException>(() => new ServedCertificate(
            new CertificateFiles(_files.CertificateFile, _files.KeyFile, null, "/"),
            services.GetRequiredService<IMeterFactory>()));

        Assert.Contains("Kestrel__Certificates__Default__Path: The key does not belong to the certificate.", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reading_that_fails_inside_the_gateway_is_repeated()
    {
        _files.Write(InTwoMonths);
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        ServedCertificate served = new(new CertificateFiles(_files.CertificateFile, _files.KeyFile, null, "/"), services.GetRequiredService<IMeterFactory>());
        FakeTimeProvider clock = new();
        FaultyLogger<CertificateReload> log = new(NullLogger.Instance, "CertificateRead");
        using CertificateReload reload = new(served, clock, log);
        await reload.StartAsync(World.Ct);

        DateTimeOffset expires = InTwoMonths.AddDays(30);
        _files.Write(expires);
        await Wait.UntilAsync(
            () =>
            {
                clock.Advance(CertificateReload.Interval);
                return served.ExpiresAt.ToUnixTimeSeconds() == expires.ToUnixTimeSeconds();
            },
            "The certificate is served.");

        DateTimeOffset later = expires.AddDays(30);
        _files.Write(later);
        await Wait.UntilAsync(
            () =>
            {
                clock.Advance(CertificateReload.Interval);
                return served.ExpiresAt.ToUnixTimeSeconds() == later.ToUnixTimeSeconds();
            },
            "The next certificate is served.");
        await reload.StopAsync(World.Ct);
    }

    public void Dispose() => Directory.Delete(_files.Folder, recursive: true);

    private static async Task<Handshake> ShakeHandsAsync(World world)
    {
        string thumbprint = "";
        string[] others = [];
        using TcpClient client = new();
        await client.ConnectAsync("localhost", world.Port, World.Ct);
        await using SslStream stream = new(client.GetStream());
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
                RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
                {
                    thumbprint = ((X509Certificate2)certificate!).Thumbprint;
                    others = [.. chain!.ChainPolicy.ExtraStore.Select(one => one.Thumbprint)];
                    return true;
                },
            },
            World.Ct);
        return new Handshake(thumbprint, others, stream.NegotiatedApplicationProtocol.ToString());
    }

    private static async Task AdvanceUntilLoggedAsync(World world, string name) => await Wait.UntilAsync(
        () =>
        {
            world.Clock.Advance(CertificateReload.Interval);
            return world.Log.Of(name).Count > 0;
        },
        string.Create(CultureInfo.InvariantCulture, $"The log has {name}."));

    private void Put(string folder, IssuedCertificate certificate)
    {
        string path = Directory.CreateDirectory(Path.Combine(_files.Folder, folder)).FullName;
        File.WriteAllText(Path.Combine(path, "fullchain.pem"), certificate.Certificates);
        File.WriteAllText(Path.Combine(path, "privkey.pem"), certificate.Key);
    }

    private void Break(string fault, IssuedCertificate next)
    {
        switch (fault)
        {
            case "half":
                File.WriteAllText(_files.CertificateFile, next.Certificates[..^100]);
                break;
            case "key":
                File.WriteAllText(_files.KeyFile, next.Key);
                break;
            default:
                File.Delete(_files.KeyFile);
                break;
        }
    }

    private void Set(WorldOptions options)
    {
        foreach ((string name, string value) in _files.Settings)
        {
            options.Settings[name] = value;
        }
    }

    private Task<World> StartAsync(Action<WorldOptions>? configure = null) => World.StartAsync(options =>
    {
        options.Https = true;
        options.CertificateFile = _files.CertificateFile;
        Set(options);
        configure?.Invoke(options);
    });

    private sealed record Handshake(string Thumbprint, string[] Others, string Protocol);
}
