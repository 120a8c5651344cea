using System.Text;
using CsCheck;
using Gateway.Access;
using Gateway.Tests.Kit;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Gateway.Tests.Access;

public sealed class PathGuardTests
{
    /// <summary>Every class of target that two parsers could read differently.</summary>
    public static TheoryData<string> Ambiguous =>
    [
        // An escaped slash, backslash, semicolon or control character.
        "/a%2Fb", "/a%2fb", "/%2F", "/share%2F..%2Fadmin", "/a%5Cb", "/a%5c", "/a%3Bb", "/a%3bjsessionid=1", "/a%00", "/%00/", "/a%0Ab", "/a%0D%0A",
        "/a%1F", "/a%7F", "/a%09",

        // The same in plain sight.
        "/a\\b", "/\\", "/..\\", "/a;b", "/;", "/a/;/b", "/api/;x=1/documents/",

        // Empty segments.
        "//", "//evil.example/", "/a//b", "/a//", "///", "/static//x",

        // Dot segments, plain and escaped.
        "/.", "/..", "/./", "/../", "/a/.", "/a/..", "/a/./b", "/a/../b", "/static/../admin/", "/...//", "/a/.../../b", "/.a/..",
        "/%2e", "/%2E%2e", "/a/%2e%2e/b", "/a/.%2e/b", "/a/%2E./b", "/a/%2e/b", "/%2e/", "/a/%2e%2E", "/a/%2e?x",

        // Overlong and otherwise invalid UTF-8.
        "/%C0%AF", "/%C0%AE%C0%AE/", "/%E0%80%AF", "/%F0%80%80%AF", "/%C1%9C", "/%FF", "/%80", "/%C3", "/%C3%28", "/%E2%82", "/%E2%82/%AC", "/%ED%A0%80",
        "/%F4%90%80%80", "/%F8%88%80%80%80",

        // Incomplete escapes, and what is none.
        "/%", "/a%", "/a%2", "/a%2/", "/a%g1", "/a%1g", "/%%41", "/%u002f", "/a% 41", "/%2%46", "/a%?b=c",

        // Other forms of a target (RFC 9112, section 3.2), and a fragment.
        "", "*", "a", "http://docs.example.com/", "https://evil.example/a", "docs.example.com:443", "?a", "/#", "/a#b", "/a?b#c", "/%23/#",

        // What no URL has.
        "/a b", "/é", "/\u0080", "/a\tb", "/a\0", "/a\u007f", "/a?b c", "/a?é", "/a?\n",
    ];

    /// <summary>Addresses of Paperless, and of people.</summary>
    public static TheoryData<string> Clear =>
    [
        "/", "/a", "/a/", "/a/b.c", "/.a", "/..a", "/a..", "/a./", "/...", "/a/.../b", "/.well-known/x", "/~a_-!$&'()*+,=:@",
        "/documents/2?page=1&x=%2F%2e%2e//;\\", "/?", "/?a=//../%00%", "/api/documents/?query=a%20b&ordering=-created",
        "/%41", "/%7e", "/%25", "/%252F", "/%252e%252e/", "/%3F", "/%23", "/%20", "/%22%3C%3E%5B%5D", "/a%C3%B6", "/%E2%82%AC", "/%F0%9F%98%80", "/%C2%80",
        "/%EF%BB%BF", "/%EF%BF%BF", "/%EF%BF%BD",
        "/share/abc_DEF-123", "/static/frontend/en-US/main.js", "/\"<>^`{|}",
    ];

    [Theory]
    [MemberData(nameof(Ambiguous))]
    public void An_ambiguous_target_is_refused(string target) => Assert.NotNull(PathGuard.FindError(target));

    [Theory]
    [MemberData(nameof(Clear))]
    public void An_unambiguous_target_is_accepted(string target) => Assert.Null(PathGuard.FindError(target));

    [Fact]
    public void Any_target_is_either_accepted_or_refused_without_an_exception() =>
        Gen.OneOf(Gen.String, Targets).Sample(target => _ = PathGuard.FindError(target), iter: 50_000);

    [Fact]
    public void An_accepted_target_contains_nothing_ambiguous_after_decoding() => Targets.Sample(target =>
    {
        if (PathGuard.FindError(target) is null)
        {
            string path = Decoded(target);
            Assert.StartsWith("/", path, StringComparison.Ordinal);
            Assert.DoesNotContain("//", path, StringComparison.Ordinal);
            Assert.Empty(path.Split('/').Intersect([".", ".."]));
            Assert.DoesNotContain(path, letter => letter is '\\' or ';' or < ' ' or '\u007f');

            // One slash here is one slash there: none is hidden.
            Assert.Equal(target.Split('?')[0].Count(letter => letter == '/'), path.Count(letter => letter == '/'));
        }
    }, iter: 50_000);

    [Fact]
    public async Task Kestrel_decodes_accepted_targets_as_a_strict_decoder_does()
    {
        await using WebApplication kestrel = Echo();
        await kestrel.StartAsync(TestContext.Current.CancellationToken);
        Uri address = new(kestrel.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        List<string> passed = [.. Clear.Select(row => row.Data), .. Passing()];
        using KeepAliveConnection connection = await KeepAliveConnection.OpenAsync(address);

        foreach (string target in passed)
        {
            Assert.Equal(Decoded(target), await connection.PathOfAsync(target));
        }

        Assert.True(passed.Count > 300);
    }

    /// <summary>Pieces that make trouble, strung together: most results are refused, enough pass.</summary>
    private static Gen<string> Targets => Gen.OneOf(
            Gen.Char["/./.%;\\?#a~:@"].Select(letter => letter.ToString()),
            Gen.Byte.Select(value => $"%{value:X2}"),
            Gen.Byte.Select(value => $"%{value:x2}"),
            Gen.Char.Where(letter => !char.IsSurrogate(letter)).Select(letter => Uri.EscapeDataString(letter.ToString())),
            Gen.Int[0x10000, 0x10FFFF].Select(value => Uri.EscapeDataString(char.ConvertFromUtf32(value))))
        .Array[0, 10].Select(pieces => "/" + string.Concat(pieces));

    private static IEnumerable<string> Passing()
    {
        List<string> passing = [];
        Targets.Sample(target =>
        {
            if (PathGuard.FindError(target) is null)
            {
                lock (passing)
                {
                    passing.Add(target);
                }
            }
        }, iter: 5000);
        return passing.Take(2000);
    }

    /// <summary>Escapes to bytes, bytes as strict UTF-8, and nothing else.</summary>
    private static string Decoded(string target)
    {
        string path = target.Split('?', 2)[0];
        List<byte> bytes = [];
        for (int i = 0; i < path.Length; i++)
        {
            if (path[i] == '%')
            {
                bytes.Add(Convert.FromHexString(path.AsSpan(i + 1, 2))[0]);
                i += 2;
            }
            else
            {
                bytes.Add((byte)path[i]);
            }
        }

        return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString([.. bytes]);
    }

    private static WebApplication Echo()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        WebApplication app = builder.Build();
        app.Run(context =>
        {
            byte[] path = Encoding.UTF8.GetBytes(context.Request.Path.Value!);
            context.Response.ContentLength = path.Length;
            return context.Response.Body.WriteAsync(path, 0, path.Length);
        });
        return app;
    }
}
