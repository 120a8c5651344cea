using Gateway.StaticCache;

namespace Gateway.Tests.StaticCache;

/// <summary>Which file names contain a content hash.</summary>
public sealed class HashedNameTests
{
    [Theory]
    [InlineData("/static/frontend/en-US/main-5XJ2QK7B.js")]
    [InlineData("/static/frontend/en-US/styles-7QWERT2Y.css")]
    [InlineData("/static/frontend/en-US/chunk-ABCDEF12.js")]
    [InlineData("/static/frontend/en-US/chunk-XQZJKWVB.js")]
    [InlineData("/static/frontend/en-US/media/bootstrap-icons-QZ3W7LME.woff2")]
    [InlineData("/static/app.0123456789ab.css")]
    [InlineData("/static/admin/js/vendor/jquery/jquery.min.12c087feb5d0.js")]
    [InlineData("/static/frontend/en-US/main.3f9c1b7a2e6d4805.js")]
    [InlineData("/static/frontend/en-US/main.3f9c1b7a2e6d48051a2b.js")]
    [InlineData("/static/logo.d41d8cd98f00b204e9800998ecf8427e.svg")]
    public void A_name_with_a_content_hash_is_recognized(string path) => Assert.True(HashedName.IsHashed(path));

    [Theory]
    [InlineData("/static/frontend/en-US/main.js")]
    [InlineData("/static/frontend/en-US/polyfills.js")]
    [InlineData("/static/jquery-3.7.1.min.js")]
    [InlineData("/static/bootstrap-5.3.css")]
    [InlineData("/static/name-document.js")]
    [InlineData("/static/name-DOCUMENT.js")]
    [InlineData("/static/font-ROBOTO22.ttf")]
    [InlineData("/static/report-22ROBOTO.css")]
    [InlineData("/static/chunk-document.js")]
    [InlineData("/static/chunk-abcdef12.js")]
    [InlineData("/static/chunk-ABCDEF123.js")]
    [InlineData("/static/chunk-ABCDEF1.js")]
    [InlineData("/static/xchunk-ABCDEF12.js")]
    [InlineData("/static/app-20260301.js")]
    [InlineData("/static/app.20260301.js")]
    [InlineData("/static/app.202603011200.css")]
    [InlineData("/static/app.20260301120000.css")]
    [InlineData("/static/app.deadbeefcafe.css")]
    [InlineData("/static/app.0123456789AB.css")]
    [InlineData("/static/app.0123456789a.css")]
    [InlineData("/static/app.0123456789abc.css")]
    [InlineData("/static/app.0123456789ab")]
    [InlineData("/static/.0123456789ab.css")]
    [InlineData("/static/0123456789ab/app.css")]
    [InlineData("/static/main-5XJ2QK7B/app.js")]
    [InlineData("/static/-5XJ2QK7B.js")]
    [InlineData("/static/v2.10.0-beta.css")]
    [InlineData("/static/pdf.worker.min.mjs")]
    public void A_name_with_a_word_a_version_or_a_date_is_not_taken_for_a_content_hash(string path) => Assert.False(HashedName.IsHashed(path));
}
