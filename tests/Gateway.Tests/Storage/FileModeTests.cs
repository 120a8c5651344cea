using System.Net;
using System.Runtime.Versioning;
using Gateway.StandIns.Paperless;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Storage;

/// <summary>Files of the gateway are accessible to its own user only, whatever the directory and the umask are.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class FileModeTests
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PrivateDirectory = Private | UnixFileMode.UserExecute;
    private const UnixFileMode Readable = Private | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode ReadableDirectory = PrivateDirectory | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead
        | UnixFileMode.OtherExecute;

    [Fact]
    public async Task In_a_world_readable_data_directory_every_file_is_accessible_to_the_gateways_user_only()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        MakeReadable(world.DataDirectory);
        world.StartGateway();
        using Visitor alice = await world.SignedInAsync("alice");
        using Fault hold = world.Paperless.Faults.Hold(request => request.Path == "/api/documents/2/");
        using HttpContent body = PaperlessClient.Chunked($$"""{"content":"{{new string('x', 300_000)}}"}""", "application/json");
        Task<Page> upload = alice.FetchAsync(HttpMethod.Patch, "/api/documents/2/", body);
        await hold.ArrivedAsync(World.Ct);

        Assert.True(new PendingRevocationFile(world.DataDirectory).Note(new byte[32]));
        string[] files = Directory.GetFiles(world.DataDirectory, "*", SearchOption.AllDirectories);
        Assert.All(files, file => Assert.Equal((file, Private), (file, File.GetUnixFileMode(file))));
        Assert.All(
            ["gateway.db", "gateway.db-wal", "gateway.db-shm", "ends-to-tell"],
            name => Assert.Contains(Path.Combine(world.DataDirectory, name), files));
        Assert.All(["keys", "spool"], name =>
        {
            string directory = Path.Combine(world.DataDirectory, name);
            Assert.Equal(PrivateDirectory, File.GetUnixFileMode(directory));
            Assert.Contains(files, file => Path.GetDirectoryName(file) == directory);
        });
        hold.Release();
        Assert.Equal(HttpStatusCode.OK, (await upload).Status);

        string warning = Assert.Single(world.Log.Of("DataDirectoryOpen")).RenderMessage(System.Globalization.CultureInfo.InvariantCulture);
        Assert.Contains("chmod 700", warning, StringComparison.Ordinal);
        Assert.Contains(world.DataDirectory, warning, StringComparison.Ordinal);
        Assert.Empty(world.Log.Of("DataFileOpen"));
    }

    [Fact]
    public async Task A_data_directory_created_by_the_gateway_gives_no_warning()
    {
        await using World world = await World.StartAsync();

        Assert.Empty(world.Log.Of("DataDirectoryOpen"));
    }

    [Fact]
    public async Task Existing_files_with_wider_modes_are_restricted_at_the_start()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await world.Gateway.DisposeAsync();
        string keys = Path.Combine(world.DataDirectory, StorageFeature.KeysDirectory);
        await File.WriteAllTextAsync(Path.Combine(world.DataDirectory, PendingRevocationFile.FileName), "\n", World.Ct);
        foreach (string file in Directory.GetFiles(world.DataDirectory, "*", SearchOption.AllDirectories))
        {
            File.SetUnixFileMode(file, Readable);
        }

        File.SetUnixFileMode(keys, ReadableDirectory);

        world.StartGateway();
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);

        Assert.All(
            Directory.GetFiles(world.DataDirectory, "*", SearchOption.AllDirectories),
            file => Assert.Equal((file, Private), (file, File.GetUnixFileMode(file))));
        Assert.Equal(PrivateDirectory, File.GetUnixFileMode(keys));
    }

    /// <summary>As where Redis holds the sessions: the journal lies in the data directory all the same.</summary>
    [Fact]
    [Needs(RealPart.Redis)]
    public async Task With_Redis_a_world_readable_data_directory_gives_a_warning_too()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["GATEWAY_REDIS_URL"] = redis.Url;
        });
        MakeReadable(world.DataDirectory);
        string journal = Path.Combine(world.DataDirectory, PendingRevocationFile.FileName);
        await File.WriteAllTextAsync(journal, "\n", World.Ct);
        File.SetUnixFileMode(journal, Readable);

        world.StartGateway();

        Assert.Single(world.Log.Of("DataDirectoryOpen"));
        Assert.False(File.Exists(journal) && File.GetUnixFileMode(journal) != Private);
    }

    /// <summary>Nobody may change the mode of what this link leads to, not even root.</summary>
    [Fact]
    public async Task A_file_whose_mode_cannot_be_restricted_gives_a_warning_and_the_gateway_starts()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        string keys = Path.Combine(world.DataDirectory, StorageFeature.KeysDirectory);
        Directory.CreateDirectory(keys);
        File.CreateSymbolicLink(Path.Combine(keys, "foreign.xml"), "/proc/self/stat");

        world.StartGateway();
        using Visitor alice = await world.SignedInAsync("alice");

        Assert.EndsWith("foreign.xml", CapturedLog.Value(Assert.Single(world.Log.Of("DataFileOpen")), "File"), StringComparison.Ordinal);
    }

    [Fact]
    [Needs(RealPart.Process)]
    public async Task A_umask_of_000_does_not_widen_the_file_modes()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        Dictionary<string, string> settings = world.Settings().Where(setting => setting.Value is not null)
            .ToDictionary(setting => setting.Key, setting => setting.Value!);

        // A start that ends at a busy port, after it has made its files.
        (int exitCode, string output) = await Command.RunAsync(
            RealPart.Process,
            "sh",
            ["-c", $"umask 000; exec dotnet \"$0\" --urls={world.Paperless.Address}", Path.Combine(AppContext.BaseDirectory, "Gateway.dll")],
            AppContext.BaseDirectory,
            World.Ct,
            settings);

        Assert.True(exitCode == 1, output);
        Assert.Contains("address already in use", output, StringComparison.Ordinal);
        Assert.Equal(PrivateDirectory, File.GetUnixFileMode(world.DataDirectory));
        Assert.All(Directory.GetFiles(world.DataDirectory), file => Assert.Equal((file, Private), (file, File.GetUnixFileMode(file))));
        Assert.NotEmpty(Directory.GetFiles(world.DataDirectory));
    }

    private static void MakeReadable(string directory)
    {
        Directory.CreateDirectory(directory);
        File.SetUnixFileMode(directory, ReadableDirectory);
    }
}
