using System.Net;
using System.Text.RegularExpressions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Pages;

/// <summary>Checks that hold for every page of the gateway.</summary>
internal static partial class GatewayPages
{
    public static void IsOne(Page page, string title, string formAction = "'self'")
    {
        Assert.Equal("text/html; charset=utf-8", page.Header("Content-Type"));
        Assert.Equal("no-store", page.Header("Cache-Control"));
        Assert.Equal(
            $"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action {formAction}; base-uri 'none'; frame-ancestors 'none'",
            page.Header("Content-Security-Policy"));
        Assert.Equal("DENY", page.Header("X-Frame-Options"));
        Assert.Equal("nosniff", page.Header("X-Content-Type-Options"));
        Assert.Equal("same-origin", page.Header("Referrer-Policy"));
        Assert.Equal("same-origin", page.Header("Cross-Origin-Opener-Policy"));
        Assert.Equal("en", page.Header("Content-Language"));
        Assert.Null(page.Header("Server"));
        Assert.Null(page.Header("blazor-enhanced-nav"));

        Assert.StartsWith("<!DOCTYPE html>", page.Text, StringComparison.Ordinal);
        Assert.Contains($"<title>{title} – Paperless-ngx</title>", WebUtility.HtmlDecode(page.Text), StringComparison.Ordinal);
        Assert.Equal(title, WebUtility.HtmlDecode(Heading().Match(page.Text).Groups["text"].Value));
        Assert.DoesNotMatch(Active(), page.Text);
        Assert.All(Addresses().Matches(page.Text), address => Assert.Matches("^(/(?!/)|https?://|data:,)", address.Groups["url"].Value));
        Assert.Matches("<link rel=\"icon\" href=\"[^\"]*/gateway/assets/[0-9a-f]{16}\\.svg\"", page.Text);
        Assert.Matches("<link rel=\"stylesheet\" href=\"[^\"]*/gateway/assets/[0-9a-f]{16}\\.css\"", page.Text);
    }

    public static string TraceId(Page page) => Trace().Match(page.Text).Groups["id"].Value;

    [GeneratedRegex("<h1>(?<text>[^<]*)</h1>")]
    private static partial Regex Heading();

    /// <summary>Scripts, inline styles, handlers: what the policy would stop must not be there to begin with.</summary>
    [GeneratedRegex("<script|<style|<iframe|<!--|<[^<>]*\\s(on[a-z]+|style)=|=\"javascript:", RegexOptions.IgnoreCase)]
    private static partial Regex Active();

    [GeneratedRegex("\\s(href|src|action)=\"(?<url>[^\"]*)\"")]
    private static partial Regex Addresses();

    [GeneratedRegex("trace id <code>(?<id>[^<]+)</code>")]
    private static partial Regex Trace();
}
