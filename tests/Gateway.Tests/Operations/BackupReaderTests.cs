using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gateway.Operations;
using Gateway.Storage;

namespace Gateway.Tests.Operations;

/// <summary>What an archive may hold: nothing else is ever written, wherever its entries point.</summary>
public sealed class BackupReaderTests : IDisposable
{
    private static readonly byte[] Content = "<key />"u8.ToArray();

    private readonly string _parent = Directory.CreateTempSubdirectory("gateway-archive-").FullName;

    private string Target => Path.Combine(_parent, "target");

    [Fact]
    public async Task A_complete_archive_is_read()
    {
        BackupManifest manifest = await ReadAsync(Manifest("keys/key-1.xml"), Entry("keys/key-1.xml"));

        Assert.Equal("keys/key-1.xml", Assert.Single(manifest.Files).Name);
        Assert.Equal(Content, await File.ReadAllBytesAsync(Path.Combine(Target, "keys", "key-1.xml"), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("../key-1.xml")]
    [InlineData("keys/../../key-1.xml")]
    [InlineData("/tmp/key-1.xml")]
    [InlineData("keys/sub/key-1.xml")]
    [InlineData("keys\\..\\key-1.xml")]
    [InlineData("gateway.lock")]
    [InlineData("secrets/a/../../x")]
    [InlineData("")]
    public async Task A_path_that_leads_anywhere_else_is_refused(string name)
    {
        await AssertRefusedAsync("names files that a backup cannot have", Manifest(name), Entry(name.Length == 0 ? "x" : name));
        await AssertRefusedAsync("an entry that its manifest does not name", Manifest("keys/key-1.xml"), Entry(name.Length == 0 ? "x" : name));
    }

    [Theory]
    [InlineData(TarEntryType.SymbolicLink)]
    [InlineData(TarEntryType.HardLink)]
    [InlineData(TarEntryType.Directory)]
    public async Task An_entry_that_is_no_file_is_refused(TarEntryType type)
    {
        PaxTarEntry entry = new(type, "keys/key-1.xml");
        if (type != TarEntryType.Directory)
        {
            entry.LinkName = "/etc/passwd";
        }

        await AssertRefusedAsync("an entry that its manifest does not name", Manifest("keys/key-1.xml"), entry);
    }

    [Fact]
    public async Task An_entry_of_another_size_or_content_or_one_that_comes_twice_or_never_is_refused()
    {
        await AssertRefusedAsync("does not name", Manifest("keys/key-1.xml"), Entry("keys/key-1.xml", "<longer key />"u8.ToArray()));
        await AssertRefusedAsync("another checksum", Manifest("keys/key-1.xml"), Entry("keys/key-1.xml", "<kex />"u8.ToArray()));
        await AssertRefusedAsync("does not name", Manifest("keys/key-1.xml"), Entry("keys/key-1.xml"), Entry("keys/key-1.xml"));
        await AssertRefusedAsync("is incomplete: keys/key-1.xml is missing", Manifest("keys/key-1.xml"));
        await AssertRefusedAsync("cannot have", Manifest("keys/key-1.xml", "keys/key-1.xml"), Entry("keys/key-1.xml"));
        await AssertRefusedAsync("does not begin with a manifest", null, Entry("keys/key-1.xml"));
    }

    [Fact]
    public async Task An_archive_of_a_newer_gateway_is_refused()
    {
        BackupManifest manifest = Manifest("keys/key-1.xml");
        await AssertRefusedAsync("A newer gateway made the backup (version 9.0.0). Restore it with that version.", manifest with { Format = 2 });
        await AssertRefusedAsync(
            $"A newer gateway made the backup (version 9.0.0, schema {DatabaseSchema.Current + 1}; this one knows {DatabaseSchema.Current}).",
            manifest with { Schema = DatabaseSchema.Current + 1 });
    }

    [Theory]
    [InlineData(600)]
    [InlineData(1600)]
    [InlineData(2200)]
    public async Task An_archive_that_ends_early_is_refused(int length)
    {
        using MemoryStream archive = await WriteAsync(Manifest("keys/key-1.xml"), [Entry("keys/key-1.xml")]);
        using MemoryStream cut = new(archive.ToArray()[..length]);

        Directory.CreateDirectory(Target);
        await Assert.ThrowsAsync<BackupException>(() => new BackupReader(cut, Target).ReadAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_file_that_is_no_archive_is_refused()
    {
        using MemoryStream text = new(Encoding.UTF8.GetBytes(new string('x', 5000)));
        Directory.CreateDirectory(Target);

        await Assert.ThrowsAsync<BackupException>(() => new BackupReader(text, Target).ReadAsync(TestContext.Current.CancellationToken));
    }

    public void Dispose() => Directory.Delete(_parent, recursive: true);

    private static BackupManifest Manifest(params string[] names) => new(
        BackupManifest.CurrentFormat,
        "9.0.0",
        DateTimeOffset.UnixEpoch,
        "sqlite",
        Schema: null,
        [.. names.Select(name => new BackupFile(name, Content.Length, Convert.ToHexStringLower(SHA256.HashData(Content))))]);

    private static PaxTarEntry Entry(string name, byte[]? content = null) =>
        new(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content ?? Content) };

    private static async Task<MemoryStream> WriteAsync(BackupManifest? manifest, TarEntry[] entries)
    {
        MemoryStream archive = new();
        await using (TarWriter writer = new(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            if (manifest is not null)
            {
                byte[] text = JsonSerializer.SerializeToUtf8Bytes(manifest, BackupManifestJson.Default.BackupManifest);
                await writer.WriteEntryAsync(Entry(BackupManifest.FileName, text), TestContext.Current.CancellationToken);
            }

            foreach (TarEntry entry in entries)
            {
                await writer.WriteEntryAsync(entry, TestContext.Current.CancellationToken);
            }
        }

        archive.Position = 0;
        return archive;
    }

    private async Task<BackupManifest> ReadAsync(BackupManifest? manifest, params TarEntry[] entries)
    {
        if (Directory.Exists(Target))
        {
            Directory.Delete(Target, recursive: true);
        }

        Directory.CreateDirectory(Target);
        using MemoryStream archive = await WriteAsync(manifest, entries);
        return await new BackupReader(archive, Target).ReadAsync(TestContext.Current.CancellationToken);
    }

    private async Task AssertRefusedAsync(string reason, BackupManifest? manifest, params TarEntry[] entries)
    {
        BackupException refused = await Assert.ThrowsAsync<BackupException>(() => ReadAsync(manifest, entries));

        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.Equal([Target], Directory.GetFileSystemEntries(_parent));
    }
}
