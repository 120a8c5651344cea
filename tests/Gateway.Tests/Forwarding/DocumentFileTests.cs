using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Forwarding;

/// <summary>Previews, thumbnails, ranges and the zip of many documents arrive byte for byte, over HTTP/1.1 and HTTP/2.</summary>
/// <remarks>Uploads of 130 MiB and more are in <see cref="TransferTests"/>, WebSockets over HTTP/2 in `WebSocketTests`.</remarks>
public sealed class DocumentFileTests(DocumentFileTests.Secure shared) : IClassFixture<DocumentFileTests.Secure>
{
    private const int Documents = 60;

    private World World => shared.World;

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Previews_and_thumbnails_arrive_byte_for_byte(string version)
    {
        using Visitor alice = await SignedInAsync(version);
        PaperlessDocument[] documents = AddDocuments(5);

        // All at once, as the list of documents loads its thumbnails.
        await Task.WhenAll(documents.SelectMany(document => (Task[])
        [
            AssertBytesAsync(alice, version, $"/api/documents/{document.Id}/thumb/", "image/webp", DocumentFiles.ThumbnailOf(document)),
            AssertBytesAsync(alice, version, $"/api/documents/{document.Id}/preview/", "application/pdf", document.Content),
        ]));
    }

    [Theory]
    [InlineData("1.1", "0-0")]
    [InlineData("1.1", "65536-131071")]
    [InlineData("2.0", "0-0")]
    [InlineData("2.0", "65536-131071")]
    [InlineData("2.0", "199999-")]
    [InlineData("2.0", "-70000")]
    public async Task A_range_of_a_download_arrives_byte_for_byte(string version, string range)
    {
        using Visitor alice = await SignedInAsync(version);
        PaperlessDocument document = AddDocuments(1)[0];
        byte[] whole = document.Content;
        string[] ends = range.Split('-');
        int from = ends[0].Length == 0 ? whole.Length - Number(ends[1]) : Number(ends[0]);
        int to = ends[0].Length == 0 || ends[1].Length == 0 ? whole.Length - 1 : Number(ends[1]);

        Page page = await alice.FetchAsync(HttpMethod.Get, $"/api/documents/{document.Id}/download/", null, ("Range", "bytes=" + range));

        Assert.Equal((Version.Parse(version), HttpStatusCode.PartialContent), (page.Response.Version, page.Status));
        Assert.Equal($"bytes {from}-{to}/{whole.Length}", page.Header("Content-Range"));
        Assert.Equal(whole[from..(to + 1)], await page.Response.Content.ReadAsByteArrayAsync(World.Ct));
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task The_zip_of_many_documents_arrives_byte_for_byte(string version)
    {
        using Visitor alice = await SignedInAsync(version);
        PaperlessDocument[] documents = AddDocuments(Documents);
        using JsonContent chosen = JsonContent.Create(new { documents = documents.Select(document => document.Id).ToArray(), content = "both" });

        // Paperless reads a body only with its length.
        await chosen.LoadIntoBufferAsync(World.Ct);
        Page page = await alice.FetchAsync(HttpMethod.Post, "/api/documents/bulk_download/", chosen);

        Assert.Equal((Version.Parse(version), HttpStatusCode.OK), (page.Response.Version, page.Status));
        Assert.Equal(("application/zip", "attachment; filename=\"documents.zip\""), (page.Header("Content-Type"), page.Header("Content-Disposition")));
        Assert.Equal(DocumentFiles.ZipOf(documents), await page.Response.Content.ReadAsByteArrayAsync(World.Ct));
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static async Task AssertBytesAsync(Visitor visitor, string version, string path, string type, byte[] expected)
    {
        Page page = await visitor.FetchAsync(path);
        Assert.Equal((Version.Parse(version), HttpStatusCode.OK, type), (page.Response.Version, page.Status, page.Header("Content-Type")));
        Assert.Equal(expected, await page.Response.Content.ReadAsByteArrayAsync(World.Ct));
    }

    private async Task<Visitor> SignedInAsync(string version)
    {
        Visitor alice = World.NewVisitor(Version.Parse(version));
        Assert.Equal(HttpStatusCode.OK, (await alice.SignInAsync("alice")).Status);
        return alice;
    }

    /// <summary>Random content, so that no part of it looks like another.</summary>
    private PaperlessDocument[] AddDocuments(int count) =>
    [
        .. Enumerable.Range(0, count).Select(number =>
        {
            PaperlessDocument added = World.Paperless.Data.AddDocument($"random {number}", owner: null);
            return World.Paperless.Data.UpdateDocument(added.Id, old => old with { Content = RandomNumberGenerator.GetBytes(200_001) })!;
        }),
    ];

    /// <summary>One world over TLS.</summary>
    public sealed class Secure : IAsyncLifetime
    {
        internal World World { get; private set; } = null!;

        public async ValueTask InitializeAsync() => World = await World.StartAsync(options => options.Https = true);

        public ValueTask DisposeAsync() => World.DisposeAsync();
    }
}
