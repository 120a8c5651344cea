using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Tests.Attacks;

/// <summary>Texts that are no strict JWS in the compact form (RFC 7515, section 7.1).</summary>
internal static class InvalidTokenForms
{
    /// <summary>The text was changed after it was signed.</summary>
    public static readonly IReadOnlyList<TokenChange> Text =
    [
        new("no signature", good => $"{good.Parts[0]}.{good.Parts[1]}."),
        new("no signature and no dot", good => $"{good.Parts[0]}.{good.Parts[1]}"),
        new("the header alone", good => good.Parts[0]),
        new("a signature of zeroes", good => $"{good.Parts[0]}.{good.Parts[1]}.{new string('A', good.Parts[2].Length)}"),
        new("a signature that lacks its end", good => good.Text[..^4]),
        new("a signature with more at its end", good => good.Text + "AAAA"),
        new("the signature of another token", good => $"{good.Parts[0]}.{good.Parts[1]}.{good.With("other", "1").Split('.')[2]}"),
        new("claims of another token", good => $"{good.Parts[0]}.{good.With("other", "1").Split('.')[1]}.{good.Parts[2]}"),
        new("header and claims swapped", good => $"{good.Parts[1]}.{good.Parts[0]}.{good.Parts[2]}"),
        new("claims and signature swapped", good => $"{good.Parts[0]}.{good.Parts[2]}.{good.Parts[1]}"),
        new("a fourth part", good => good.Text + ".AAAA"),
        new("an empty fourth part", good => good.Text + "."),
        new("an empty first part", good => "." + good.Text),
        new("five parts, as an encrypted token", good => good.Text + ".AAAA.AAAA"),
        new("the header twice", good => $"{good.Parts[0]}.{good.Text}"),
        new("a space before it", good => " " + good.Text),
        new("a space after it", good => good.Text + " "),
        new("a line break after it", good => good.Text + "\n"),
        new("a line break in it", good => good.Text.Insert(good.Text.Length - 8, "\r\n")),
        new("a tab in its header", good => good.Text.Insert(4, "\t")),
        new("padding after its signature", good => good.Text + "=="),
        new("padding after its header", good => $"{good.Parts[0]}=.{good.Parts[1]}.{good.Parts[2]}"),
        new("padding after its claims", good => $"{good.Parts[0]}.{good.Parts[1]}==.{good.Parts[2]}"),
        new("the letters of base64", good => good.Text.Replace('-', '+').Replace('_', '/') + "+"),
        new("other unused bits at the end of its signature", good => good.Text[..^1] + (char)(good.Text[^1] + 1)),
        new("a percent-encoded dot", good => $"{good.Parts[0]}%2E{good.Parts[1]}.{good.Parts[2]}"),
        new("a zero after it", good => good.Text + "\0"),
        new("a letter beyond ASCII", good => good.Text + "ä"),
        new("the name of its scheme", good => "Bearer " + good.Text),
        new("quotes around it", good => $"\"{good.Text}\""),
        new("the JSON form of a signed token", good =>
            new JsonObject { ["protected"] = good.Parts[0], ["payload"] = good.Parts[1], ["signature"] = good.Parts[2] }.ToJsonString()),
        new("a word", _ => "nonsense"),
        new("dots", _ => ".."),
    ];

    /// <summary>Malformed headers or claims with a valid signature.</summary>
    public static readonly IReadOnlyList<TokenChange> Json =
    [
        new("a header that is a list", good => good.Sign("[]", good.ClaimsText)),
        new("a header that is null", good => good.Sign("null", good.ClaimsText)),
        new("a header that is no JSON", good => good.Sign("alg", good.ClaimsText)),
        new("an empty header", good => good.Sign("", good.ClaimsText)),
        new("a header with a comment", good => good.Sign("/**/" + good.HeaderText, good.ClaimsText)),
        new("alg twice in the header", good => good.Sign(Twice(good.HeaderText, "\"alg\":\"none\""), good.ClaimsText)),
        new("kid twice in the header", good => good.Sign(Twice(good.HeaderText, "\"kid\":\"other\",\"kid\":\"again\""), good.ClaimsText)),
        new("alg twice, once as an escape", good => good.Sign(Twice(good.HeaderText, "\"\\u0061lg\":\"none\""), good.ClaimsText)),
        new("claims that are a list", good => good.Sign(good.HeaderText, $"[{good.ClaimsText}]")),
        new("claims that are a text", good => good.Sign(good.HeaderText, "\"sub\"")),
        new("claims that are null", good => good.Sign(good.HeaderText, "null")),
        new("claims that are a number", good => good.Sign(good.HeaderText, "5")),
        new("claims that are empty", good => good.Sign(good.HeaderText, "{}")),
        new("no claims", good => good.Sign(good.HeaderText, "")),
        new("claims with more after them", good => good.Sign(good.HeaderText, good.ClaimsText + "{}")),
        new("claims with a comma at the end", good => good.Sign(good.HeaderText, good.ClaimsText[..^1] + ",}")),
        new("claims with a comment", good => good.Sign(good.HeaderText, good.ClaimsText + "//")),
        new("claims that are not a number", good => good.With("number", "NaN")),
        new("iss twice", good => good.Sign(good.HeaderText, Twice(good.ClaimsText, "\"iss\":\"https://evil.example/\""))),
        new("iss twice, the same", good => good.Sign(good.HeaderText, Twice(good.ClaimsText, $"\"iss\":{good.Claims["iss"]!.ToJsonString()}"))),
        new("sub twice", good => good.Sign(good.HeaderText, Twice(good.ClaimsText, "\"sub\":\"mallory\""))),
        new("aud twice", good => good.Sign(good.HeaderText, Twice(good.ClaimsText, "\"aud\":\"other\""))),
        new("exp twice", good => good.Sign(good.HeaderText, Twice(good.ClaimsText, "\"exp\":1,\"exp\":2"))),
        new("sub twice, once as an escape", good => good.Sign(good.HeaderText, Twice(good.ClaimsText, "\"\\u0073ub\":\"mallory\""))),
        new("a claim of its own twice", good => good.Sign(good.HeaderText, Twice(good.ClaimsText, "\"x\":1,\"x\":2"))),
        new("a name twice within a claim", good => good.With("x", """[{"a":1,"a":2}]""")),
        new("half a character in a claim", good => good.With("x", "\"\\ud800\"")),
        new("half a character in a claim's name", good => good.With("\\udc00", "1")),
        new("half a character in the subject", good => good.With("sub", "\"alice\\ud800\"")),
        new("half a character in the issuer", good => good.With("iss", "\"\\ud800\"")),
        new("half a character in the header", good => good.WithHeader(("x", "\"\\ud800\""))),
        new("claims nested a hundred times", good => good.With("x", new string('[', 100) + new string(']', 100))),
        new("claims nested ten thousand times", good => good.With("x", new string('[', 10_000) + new string(']', 10_000))),
        new("more than 256 KiB", good => good.With("x", $"\"{new string('x', 300_000)}\"")),
        new("a mark of the byte order", good => good.Sign(good.HeaderText, "\uFEFF" + good.ClaimsText)),
        new("claims in UTF-16", good => Sign(good, Encoding.UTF8.GetBytes(good.HeaderText), Encoding.Unicode.GetBytes(good.ClaimsText))),
        new("bytes that are no UTF-8", good => Sign(good, Encoding.UTF8.GetBytes(good.HeaderText), Latin1(good.ClaimsText))),
        new("bytes that are no UTF-8 in the header", good => Sign(good, Latin1(good.HeaderText), Encoding.UTF8.GetBytes(good.ClaimsText))),
        new("a token within the token", good => good.Sign(good.HeaderWith(("cty", "\"JWT\"")), good.Text)),
        new("a token within the token, as a text", good => good.Sign(good.HeaderText, $"\"{good.Text}\"")),
        new("claims that are compressed", good => Sign(good, Encoding.UTF8.GetBytes(good.HeaderWith(("zip", "\"DEF\""))), Deflate(good.ClaimsText))),
        new("claims that are encoded twice", good => good.Sign(good.HeaderText, Base64UrlEncoder.Encode(good.ClaimsText))),
    ];

    private static string Twice(string json, string member) => $"{{{member},{json[1..]}";

    private static string Sign(GoodToken good, byte[] header, byte[] claims) => good.World.Provider.Sign(header, claims);

    /// <summary>With a letter whose one byte is no UTF-8.</summary>
    private static byte[] Latin1(string json) => Encoding.Latin1.GetBytes(Twice(json, "\"x\":\"ä\""));

    private static byte[] Deflate(string text)
    {
        using MemoryStream packed = new();
        using (DeflateStream deflate = new(packed, CompressionMode.Compress))
        {
            deflate.Write(Encoding.UTF8.GetBytes(text));
        }

        return packed.ToArray();
    }
}
