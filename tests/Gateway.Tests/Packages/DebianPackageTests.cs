using System.Net;
using System.Net.Sockets;
using System.Text;
using Gateway.Tests.Kit;
using Gateway.Tests.Shipping;

namespace Gateway.Tests.Packages;

/// <summary>The .deb in a Debian of its own: installed, configured, run, upgraded, removed and purged.</summary>
[Collection<SharedPackages>]
[Needs(RealPart.Process, RealPart.Debian)]
public sealed class DebianPackageTests(BuiltPackages packages)
{
    private const string Settings = "/etc/paperless-gateway/gateway.env";
    private const string Data = "/var/lib/paperless-gateway";
    private const string Unit = "/usr/lib/systemd/system/paperless-gateway.service";
    private const string Wants = "/etc/systemd/system/multi-user.target.wants/paperless-gateway.service";
    private const string CreateUser = "systemd-sysusers /opt/paperless-gateway/paperless-gateway.sysusers";
    private const string NotifySocket = "/run/notify";

    [Fact]
    public async Task The_deb_is_installed_runs_keeps_its_data_through_an_upgrade_and_leaves_nothing_after_a_purge()
    {
        Assert.SkipUnless(DebianRoot.IsRoot, "Only root can enter a Debian of its own.");
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        await using DebianRoot debian = await DebianRoot.CreateAsync();

        await AssertInstalledAsync(debian);
        string settings = await ConfigureAsync(debian, world);
        using Visitor alice = await AssertRunsAsync(debian, world);
        await AssertRestoredAsync(debian);
        await AssertUpgradedAsync(debian, settings);
        await using (await StartAsync(debian, world))
        {
            // The cookie of before the upgrade, at a Paperless that names its user.
            Page page = await alice.FetchAsync("/api/profile/");
            Assert.Equal((HttpStatusCode.OK, "alice"), (page.Status, world.Forwarded[^1].SignedInAs));
        }

        await AssertRemovedAsync(debian);
    }

    /// <summary>The commands of the guide, without those that need a running systemd.</summary>
    [Fact]
    public async Task The_tarball_is_installed_as_the_installation_guide_says()
    {
        Assert.SkipUnless(DebianRoot.IsRoot, "Only root can enter a Debian of its own.");
        await using DebianRoot debian = await DebianRoot.CreateAsync();
        string tarball = await packages.TarballAsync();
        File.Copy(tarball, debian.Path("/tmp/" + Path.GetFileName(tarball)));

        string section = Document.Of("docs/installation.md").Text.Split("## Without a container: the tarball")[1];
        string commands = section.Split("```sh\n")[1].Split("```")[0]
            .Replace("paperless-gateway-0.1.0-linux-x64", Path.GetFileName(tarball)[..^".tar.gz".Length], StringComparison.Ordinal)
            .Replace(CreateUser, "adduser --system --group --quiet paperless-gateway", StringComparison.Ordinal);
        Assert.DoesNotContain("sysusers", commands, StringComparison.Ordinal);
        Assert.EndsWith("systemctl enable /opt/paperless-gateway/paperless-gateway.service\n", commands, StringComparison.Ordinal);
        await debian.RunAsync("set -e; cd /tmp\n" + commands[..commands.LastIndexOf("systemctl", StringComparison.Ordinal)]);

        string unit = await debian.RunAsync("cat /opt/paperless-gateway/paperless-gateway.service");
        string program = Assert.Single(unit.Split('\n'), line => line.StartsWith("ExecStart=", StringComparison.Ordinal))["ExecStart=".Length..];
        Assert.StartsWith(BuiltPackages.Version, await debian.RunAsync($"{program} --version"), StringComparison.Ordinal);
        Assert.Contains("2 problems", await debian.RunAsync("paperless-gateway validate", expectedExitCode: 1), StringComparison.Ordinal);
        Assert.Equal("640 root", await debian.RunAsync($"stat -c '%a %U' {Settings}"));
    }

    private async Task AssertInstalledAsync(DebianRoot debian)
    {
        File.Copy(await packages.DebAsync(), debian.Path("/tmp/gateway.deb"));
        Assert.Contains("Fill in " + Settings, await debian.RunAsync("dpkg --install /tmp/gateway.deb"), StringComparison.Ordinal);

        Assert.Equal("640 root root", await debian.RunAsync($"stat -c '%a %U %G' {Settings}"));
        Assert.Equal("700 paperless-gateway paperless-gateway", await debian.RunAsync($"stat -c '%a %U %G' {Data}"));
        Assert.True(File.Exists(debian.Path(Unit)));
        Assert.False(Path.Exists(debian.Path(Wants)), "Without settings it must not start at a boot.");
        Assert.Contains("sessions", await debian.RunAsync("paperless-gateway --help"), StringComparison.Ordinal);

        // The file of settings as it comes says what is to be filled in, and nothing else is wrong with it.
        string problems = await debian.RunAsync("paperless-gateway validate", expectedExitCode: 1);
        Assert.Contains("2 problems", problems, StringComparison.Ordinal);
        Assert.Contains("GATEWAY_PAPERLESS_TOKEN: the value still holds a placeholder", problems, StringComparison.Ordinal);
        string other = await debian.RunAsync("setpriv --reuid=65534 --regid=65534 --clear-groups paperless-gateway sessions list", expectedExitCode: 1);
        Assert.Contains("run the command as root", other, StringComparison.Ordinal);
    }

    /// <summary>Fills in the settings, and leaves the data directory to the package.</summary>
    private static async Task<string> ConfigureAsync(DebianRoot debian, World world)
    {
        Uri management = new($"http://127.0.0.1:{World.FreePort()}");
        IEnumerable<string> lines = GatewayProcess.Settings(world, management)
            .Where(setting => setting.Key != "GATEWAY_DATA_DIR" && !string.IsNullOrEmpty(setting.Value))
            .Select(setting => $"{setting.Key}={setting.Value!.ReplaceLineEndings(" ")}");
        string text = string.Join('\n', ["# Filled in by an operator.", "", .. lines]);
        await File.WriteAllTextAsync(debian.Path(Settings), text, World.Ct);
        await debian.RunAsync("paperless-gateway validate");
        return text;
    }

    private static async Task<Visitor> AssertRunsAsync(DebianRoot debian, World world)
    {
        // As systemd does it with Type=notify.
        using Socket notify = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        notify.Bind(new UnixDomainSocketEndPoint(debian.Path(NotifySocket)));
        await debian.RunAsync($"chmod 777 {NotifySocket}");
        await using GatewayProcess gateway = await StartAsync(debian, world);
        Assert.StartsWith("READY=1", await ReceiveAsync(notify), StringComparison.Ordinal);

        Visitor alice = await world.SignedInAsync("alice");
        Assert.Contains("alice", await debian.RunAsync("paperless-gateway sessions list"), StringComparison.Ordinal);
        Assert.Equal("paperless-gateway", await debian.RunAsync($"find {Data} -printf '%u\\n' | sort -u"));
        Assert.Equal("", await debian.RunAsync($"find {Data} -type f -perm /077"));
        Assert.Contains("Saved to standard output", await debian.RunAsync("umask 077; " + Documented("paperless-gateway backup")), StringComparison.Ordinal);
        return alice;
    }

    /// <summary>As the guide says, but the sessions of the backup stay.</summary>
    private static async Task AssertRestoredAsync(DebianRoot debian)
    {
        await debian.RunAsync($"rm -r {Data}/*");
        string report = await debian.RunAsync(Documented("paperless-gateway restore").Replace(" - ", " - --keep-sessions ", StringComparison.Ordinal));
        Assert.Contains("Restored the backup of", report, StringComparison.Ordinal);
        Assert.Equal("paperless-gateway", await debian.RunAsync($"find {Data} -printf '%u\\n' | sort -u"));
        Assert.Equal("", await debian.RunAsync($"find {Data} -type f -perm /077"));
    }

    private static string Documented(string command) =>
        Assert.Single(Shipped.Text("docs/disaster.md").Split('\n'), line => line.StartsWith(command, StringComparison.Ordinal));

    private static async Task AssertUpgradedAsync(DebianRoot debian, string settings)
    {
        await debian.RunAsync("""
            cd /tmp && dpkg-deb --raw-extract gateway.deb new && sed -i 's/^Version: .*/Version: 9.8.7/' new/DEBIAN/control \
              && dpkg-deb --root-owner-group -Znone --build new new.deb
            """);
        await debian.RunAsync("DPKG_MAINTSCRIPT_PACKAGE=paperless-gateway deb-systemd-helper enable paperless-gateway.service");
        Assert.Contains("over (9.8.7~test.1)", await debian.RunAsync("dpkg --install /tmp/new.deb"), StringComparison.Ordinal);

        Assert.Equal(settings, await File.ReadAllTextAsync(debian.Path(Settings), World.Ct));
        Assert.Equal("640", await debian.RunAsync($"stat -c %a {Settings}"));
        Assert.Equal(Path.GetFileName(Wants), await debian.RunAsync($"ls {Path.GetDirectoryName(Wants)} | grep gateway"));
    }

    private static async Task AssertRemovedAsync(DebianRoot debian)
    {
        await debian.RunAsync("dpkg --remove paperless-gateway");
        Assert.False(Path.Exists(debian.Path("/usr/lib/paperless-gateway")));
        Assert.False(Path.Exists(debian.Path(Unit)));
        Assert.True(File.Exists(debian.Path(Settings)));
        Assert.NotEmpty(Directory.EnumerateFiles(debian.Path(Data)));

        await debian.RunAsync("dpkg --purge paperless-gateway");
        Assert.False(Path.Exists(debian.Path("/etc/paperless-gateway")));
        Assert.False(Path.Exists(debian.Path(Data)));
        Assert.Equal("", await debian.RunAsync("getent passwd paperless-gateway || true"));
        Assert.Equal("", await debian.RunAsync("ls -R /etc/systemd /var/lib/systemd | grep gateway || true"));
    }

    /// <summary>The command without arguments serves, with the settings of the file and as the package's user, as the unit does.</summary>
    private static async Task<GatewayProcess> StartAsync(DebianRoot debian, World world)
    {
        Assert.Contains(world.Origin, await File.ReadAllTextAsync(debian.Path(Settings), World.Ct), StringComparison.Ordinal);
        return await GatewayProcess.StartAsync(debian.Start($"env NOTIFY_SOCKET={NotifySocket} paperless-gateway"), new Uri(world.Origin), RealPart.Debian);
    }

    private static async Task<string> ReceiveAsync(Socket socket)
    {
        byte[] buffer = new byte[100];
        int length = await socket.ReceiveAsync(buffer, World.Ct).AsTask().InTimeAsync("The program tells systemd that it is ready.");
        return Encoding.UTF8.GetString(buffer, 0, length);
    }
}
