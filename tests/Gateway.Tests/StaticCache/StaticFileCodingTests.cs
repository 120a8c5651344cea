using System.IO.Compression;
using System.Net;
using System.Text;
using Gateway.StandIns.Paperless;
using Gateway.StaticCache;
using Gateway.Tests.Kit;

namespace Gateway.Tests.StaticCache;

/// <summary>Compression of static files, and conditional requests.</summary>
public sealed class StaticFileCodingTests(SharedWorld shared) : IClassFixture<SharedWorld>
{
    private const string Browser = "gzip, deflate, br, zstd";
    private const string Script = "/static/frontend/en-US/vendor.js";
    private const string Modified = "Sun, 01 Mar 2026 12:00:00 GMT";

    private static readonly byte[] Content = AppAssets.Files[Script["/static/".Length..]].Content;

    private World World => shared.World;

    [Theory]
    [InlineData(Browser, "br")]
    [InlineData("br", "br")]
    [InlineData("gzip", "gzip")]
    [InlineData("x-gzip", "gzip")]
    [InlineData("GZIP;Q=1", "gzip")]
    [InlineData("gzip, br;q=0", "gzip")]
    [InlineData("br;q=0.5, gzip;q=0.8", "gzip")]
    [InlineData("br;q=1.000 , gzip ; q=1", "br")]
    [InlineData("gzip;q=0.001, br;q=0", "gzip")]
    [InlineData("br;q=x, gzip;q=0.1", "gzip")]
    [InlineData("br;q=2, gzip;q=-1", null)]
    [InlineData("*", "br")]
    [InlineData("*;q=0.5, br;q=0", "gzip")]
    [InlineData("gzip, *;q=0", "gzip")]
    [InlineData("identity;q=0, gzip;q=0.1", "gzip")]
    [InlineData("identity, gzip;q=0.5", null)]
    [InlineData("identity;q=0.5, br;q=0.1", null)]
    [InlineData("identity", null)]
    [InlineData("deflate, zstd", null)]
    [InlineData("brotli", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public async Task A_static_file_is_sent_in_the_encoding_that_the_client_prefers(string? accepts, string? coding)
    {
        using Visitor visitor = World.NewVisitor();
        await ReadyAsync(visitor);
        World.Paperless.ForgetReceived();

        Page page = await GetAsync(visitor, accepts);
        Page head = await visitor.SendAsync(HttpMethod.Head, Script, null, accepts is null ? [] : [("Accept-Encoding", accepts)]);

        byte[] bytes = await page.Response.Content.ReadAsByteArrayAsync(World.Ct);
        Assert.Equal(
            (coding, "Accept-Encoding", (long?)bytes.Length),
            (page.Header("Content-Encoding"), page.Header("Vary"), page.Response.Content.Headers.ContentLength));
        Assert.Equal(
            (coding, page.Header("ETag"), (long?)bytes.Length, ""),
            (head.Header("Content-Encoding"), head.Header("ETag"), head.Response.Content.Headers.ContentLength, head.Text));
        Assert.Equal(Content, Decoded(bytes, coding));
        Assert.Empty(World.Forwarded);
    }

    [Theory]
    [InlineData("identity;q=0")]
    [InlineData("*;q=0")]
    [InlineData("identity;q=0, zstd")]
    public async Task A_client_that_accepts_no_cached_encoding_is_forwarded_to_Paperless(string accepts)
    {
        using Visitor visitor = World.NewVisitor();
        await ReadyAsync(visitor);
        World.Paperless.ForgetReceived();

        Page page = await GetAsync(visitor, accepts);

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal(accepts, Assert.Single(World.Forwarded).Header("Accept-Encoding"));
    }

    [Fact]
    public async Task Paperless_own_brotli_copy_is_sent_from_the_first_request_on()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();

        Page first = await GetAsync(visitor, Browser);
        Page plain = await GetAsync(visitor, null);
        Page gzip = await ReadyAsync(visitor, "gzip");

        Assert.Equal("br", first.Header("Content-Encoding"));
        Assert.Equal(Content, Decoded(await first.Response.Content.ReadAsByteArrayAsync(World.Ct), "br"));
        Assert.Equal(Content, Decoded(await gzip.Response.Content.ReadAsByteArrayAsync(World.Ct), "gzip"));
        Assert.Equal(Content, await plain.Response.Content.ReadAsByteArrayAsync(World.Ct));
        Assert.Equal(3, new[] { first, gzip, plain }.Select(page => page.Header("ETag")).Distinct().Count());
        Assert.Single(world.Forwarded);
    }

    [Theory]
    [InlineData("no brotli")]
    [InlineData("half of it")]
    [InlineData("too large")]
    public async Task A_brotli_copy_that_cannot_be_decoded_is_left_to_the_client(string what)
    {
        byte[] sent = what switch
        {
            "no brotli" => Encoding.ASCII.GetBytes(new string('x', 2000)),
            "half of it" => Brotli(new byte[100_000])[..^5],
            _ => Brotli(new byte[(4 * 1024 * 1024) + 1]),
        };
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();
        using Fault answer = world.Paperless.Faults.Write(request => request.RawPath == Script, async response =>
        {
            response.Headers.CacheControl = "public, max-age=60";
            response.Headers.ContentEncoding = "br";
            response.ContentLength = sent.Length;
            await response.Body.WriteAsync(sent, World.Ct);
        });

        Page first = await GetAsync(visitor, "br");
        Page second = await GetAsync(visitor, "br");

        Assert.All((Page[])[first, second], page => Assert.Equal(("br", null), (page.Header("Content-Encoding"), page.Header("Age"))));
        Assert.Equal(sent, await second.Response.Content.ReadAsByteArrayAsync(World.Ct));
        Assert.Equal(3, world.Forwarded.Count);
        Assert.Equal(0, world.Gateway.Services.GetRequiredService<StaticFileStore>().UsedBytes);
    }

    [Fact]
    public async Task Without_a_copy_of_Paperless_the_first_request_gets_a_fast_compression_and_later_requests_the_best_compression()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();
        using Fault answer = Writes(world, _ => { }, Content);

        Page first = await GetAsync(visitor, Browser);
        Page best = await ReadyAsync(visitor);
        Page gzip = await GetAsync(visitor, "gzip");
        Page plain = await GetAsync(visitor, null);

        Assert.Equal("gzip", first.Header("Content-Encoding"));
        Assert.Equal(Content, Decoded(await first.Response.Content.ReadAsByteArrayAsync(World.Ct), "gzip"));
        long[] sizes = [.. new[] { best, gzip, plain }.Select(page => page.Response.Content.Headers.ContentLength!.Value)];
        Assert.Equal(sizes.Order(), sizes);
        Assert.Equal(3, sizes.Distinct().Count());
        Assert.Equal(3, new[] { best, gzip, plain }.Select(page => page.Header("ETag")).Distinct().Count());
        Assert.Equal(first.Header("ETag"), gzip.Header("ETag"));
        Assert.Single(world.Forwarded);

        // Whichever of them a browser has, it is still good.
        foreach (Page page in (Page[])[best, gzip, plain])
        {
            Page same = await GetAsync(visitor, Browser, ("If-None-Match", page.Header("ETag")!));
            Assert.Equal((HttpStatusCode.NotModified, page.Header("ETag"), "Accept-Encoding"), (same.Status, same.Header("ETag"), same.Header("Vary")));
        }
    }

    [Fact]
    public async Task The_compressed_copies_are_kept_after_a_304_of_Paperless()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();
        await GetAsync(visitor, Browser);
        Page best = await ReadyAsync(visitor);

        world.Clock.Advance(TimeSpan.FromSeconds(60));
        Page again = await GetAsync(visitor, Browser);

        Assert.Equal((best.Header("ETag"), "br", "0"), (again.Header("ETag"), again.Header("Content-Encoding"), again.Header("Age")));
        Assert.Equal([200, 304], world.Forwarded.Select(request => request.Status));
    }

    [Theory]
    [InlineData("frontend/en-US/media/inter.woff2")]
    [InlineData("frontend/en-US/polyfills.js")]
    public async Task Small_and_incompressible_files_are_sent_uncompressed(string name)
    {
        using Visitor visitor = World.NewVisitor();

        await visitor.SendAsync(HttpMethod.Get, "/static/" + name, null, ("Accept-Encoding", Browser));
        Page page = await visitor.SendAsync(HttpMethod.Get, "/static/" + name, null, ("Accept-Encoding", Browser));

        Assert.Null(page.Header("Content-Encoding"));
        Assert.NotNull(page.Header("Age"));
    }

    [Theory]
    [InlineData("application/javascript", "gzip")]
    [InlineData("image/svg+xml", "gzip")]
    [InlineData("application/manifest+json", "gzip")]
    [InlineData("application/wasm", "gzip")]
    [InlineData("font/ttf", "gzip")]
    [InlineData("TEXT/HTML; charset=utf-8", "gzip")]
    [InlineData("image/png", null)]
    [InlineData("font/woff2", null)]
    [InlineData("application/octet-stream", null)]
    [InlineData("nonsense", null)]
    [InlineData("", null)]
    public async Task The_media_type_decides_whether_a_file_is_compressed(string type, string? coding)
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();
        using Fault answer = Writes(world, headers => headers.ContentType = type);

        Page page = await GetAsync(visitor, Browser);

        Assert.Equal((coding, coding is null ? null : "Accept-Encoding"), (page.Header("Content-Encoding"), page.Header("Vary")));
    }

    [Fact]
    public async Task A_file_with_no_transform_is_not_compressed()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();
        using Fault answer = Writes(world, headers => headers.CacheControl = "public, max-age=60, no-transform");

        Page page = await GetAsync(visitor, Browser);

        Assert.Equal((null, "\"one\"", "0"), (page.Header("Content-Encoding"), page.Header("ETag"), page.Header("Age")));
    }

    [Theory]
    [InlineData("\"one\"", "\"one-gz1\"")]
    [InlineData("W/\"one\"", "W/\"one-gz1\"")]
    [InlineData("", null)]
    [InlineData("one", null)]
    public async Task A_compressed_copy_has_its_own_ETag_as_strong_as_Paperless_ETag(string given, string? tag)
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = world.NewVisitor();
        using Fault answer = Writes(world, headers => headers["ETag"] = given);

        Page page = await GetAsync(visitor, "gzip");

        Assert.Equal(("gzip", tag), (page.Header("Content-Encoding"), page.Header("ETag")));
    }

    [Fact]
    public async Task A_file_that_the_browser_has_cached_is_answered_with_304()
    {
        using Visitor visitor = World.NewVisitor();
        await ReadyAsync(visitor);
        string tag = (await GetAsync(visitor, Browser)).Header("ETag")!;
        World.Paperless.ForgetReceived();

        await ExpectAsync(HttpStatusCode.NotModified, ("If-None-Match", tag));
        await ExpectAsync(HttpStatusCode.NotModified, ("If-None-Match", "W/" + tag));
        await ExpectAsync(HttpStatusCode.NotModified, ("If-None-Match", $"\"a,b\", \"c\" , {tag}"));
        await ExpectAsync(HttpStatusCode.NotModified, ("If-None-Match", "*"));
        await ExpectAsync(HttpStatusCode.OK, ("If-None-Match", "\"another\""));
        await ExpectAsync(HttpStatusCode.OK, ("If-None-Match", tag.Trim('"')));
        await ExpectAsync(HttpStatusCode.OK, ("If-None-Match", "nonsense\""));

        await ExpectAsync(HttpStatusCode.NotModified, ("If-Modified-Since", Modified));
        await ExpectAsync(HttpStatusCode.NotModified, ("If-Modified-Since", "Mon, 02 Mar 2026 12:00:00 GMT"));
        await ExpectAsync(HttpStatusCode.OK, ("If-Modified-Since", "Sun, 01 Mar 2026 11:59:59 GMT"));
        await ExpectAsync(HttpStatusCode.OK, ("If-Modified-Since", "yesterday"));

        // The tag decides where both are given (RFC 9110, section 13.1.3).
        await ExpectAsync(HttpStatusCode.OK, ("If-None-Match", "\"another\""), ("If-Modified-Since", Modified));
        await ExpectAsync(HttpStatusCode.NotModified, ("If-None-Match", tag), ("If-Modified-Since", "Sun, 01 Mar 2020 12:00:00 GMT"));
        Assert.Empty(World.Forwarded);

        async Task ExpectAsync(HttpStatusCode status, params (string, string)[] headers)
        {
            foreach (HttpMethod method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Head])
            {
                Page page = await visitor.SendAsync(method, Script, null, [("Accept-Encoding", Browser), .. headers]);
                Assert.Equal(status, page.Status);
                if (status == HttpStatusCode.NotModified)
                {
                    Assert.Equal(
                        (tag, Modified, "public, max-age=60", ""),
                        (page.Header("ETag"), page.Header("Last-Modified"), page.Header("Cache-Control"), page.Text));
                    Assert.Null(page.Header("Content-Encoding"));
                }
            }
        }
    }

    /// <summary>Asks until the compressed copies are there: the background makes what Paperless does not have.</summary>
    private static async Task<Page> ReadyAsync(Visitor visitor)
    {
        await ReadyAsync(visitor, "gzip");
        return await ReadyAsync(visitor, "br");
    }

    private static async Task<Page> ReadyAsync(Visitor visitor, string coding)
    {
        for (int tries = 0; tries < 10_000; tries++)
        {
            Page page = await GetAsync(visitor, coding);
            if (page.Header("Content-Encoding") == coding)
            {
                return page;
            }

            await Task.Yield();
        }

        throw new TimeoutException($"The copy in {coding} did not come.");
    }

    private static Task<Page> GetAsync(Visitor visitor, string? accepts, params (string Name, string Value)[] headers) =>
        visitor.SendAsync(HttpMethod.Get, Script, null, accepts is null ? headers : [("Accept-Encoding", accepts), .. headers]);

    private static byte[] Decoded(byte[] bytes, string? coding)
    {
        using MemoryStream from = new(bytes);
        using Stream decoder = coding switch
        {
            "br" => new BrotliStream(from, CompressionMode.Decompress),
            "gzip" => new GZipStream(
            from,
            CompressionMode.Decompress),
            _ => from
        };
        using MemoryStream to = new();
        decoder.CopyTo(to);
        return to.ToArray();
    }

    private static byte[] Brotli(byte[] content)
    {
        using MemoryStream to = new();
        using (BrotliStream coder = new(to, CompressionLevel.Fastest))
        {
            coder.Write(content);
        }

        return to.ToArray();
    }

    /// <summary>A server without a brotli copy.</summary>
    private static Fault Writes(World world, Action<IHeaderDictionary> change, byte[]? content = null) =>
        world.Paperless.Faults.Write(request => request.RawPath == Script, async response =>
    {
        content ??= Encoding.ASCII.GetBytes(new string('x', 2000));
        response.Headers.CacheControl = "public, max-age=60";
        response.Headers["ETag"] = "\"one\"";
        response.ContentType = "text/css";
        response.ContentLength = content.Length;
        change(response.Headers);
        await response.Body.WriteAsync(content, World.Ct);
    });
}
