using System.Text;
using CsCheck;
using Gateway.Accounts;

namespace Gateway.Tests.Accounts;

public sealed class UsernameTests
{
    private static readonly string Longest = new('a', 150);

    [Theory]
    [InlineData("alice")]
    [InlineData("alice@example.com")]
    [InlineData("a.b+c-d_e@f")]
    [InlineData("42")]
    [InlineData("-")]
    [InlineData("Jürgen")]
    [InlineData("ÿ")]
    [InlineData("µªº")]
    [InlineData("x²¼")]
    [InlineData("consumer2")]
    public void A_username_that_Paperless_accepts_is_accepted(string name) => Assert.Null(Username.FindError(name));

    [Theory]
    [InlineData("", "is empty")]
    [InlineData(" ", "characters other than")]
    [InlineData("alice ", "characters other than")]
    [InlineData("a b", "characters other than")]
    [InlineData("a/b", "characters other than")]
    [InlineData("a\\b", "characters other than")]
    [InlineData("a,b", "characters other than")]
    [InlineData("a:b", "characters other than")]
    [InlineData("alice\n", "characters other than")]
    [InlineData("alice\r\nRemote-User: admin", "characters other than")]
    [InlineData("a\0", "characters other than")]
    [InlineData("a\u00a0b", "characters other than")]
    [InlineData("a\u00adb", "characters other than")]
    [InlineData("<b>", "characters other than")]
    [InlineData("e\u0301", "characters other than")]
    [InlineData("\ud800", "characters other than")]
    [InlineData("😀", "characters other than")]
    [InlineData("Łukasz", "beyond Latin-1")]
    [InlineData("алиса", "beyond Latin-1")]
    [InlineData("門", "beyond Latin-1")]
    [InlineData("ａlice", "beyond Latin-1")]
    [InlineData("consumer", "keeps for itself")]
    [InlineData("AnonymousUser", "keeps for itself")]
    [InlineData("anonymoususer", "keeps for itself")]
    [InlineData("Consumer", "keeps for itself")]
    public void A_username_that_would_not_reach_Paperless_unchanged_is_refused(string name, string words) =>
        Assert.Contains(words, Username.FindError(name)?.English, StringComparison.Ordinal);

    [Fact]
    public void A_username_has_at_most_150_characters()
    {
        Assert.Null(Username.FindError(Longest));
        Assert.Equal("has more than 150 characters", Username.FindError(Longest + "a")?.English);
    }

    [Fact]
    public void An_accepted_username_survives_the_user_header_unchanged() => Gen.OneOf(Gen.String, Gen.String[Gen.Char[' ', '\u00ff'], 0, 8]).Sample(name =>
    {
        if (Username.FindError(name) is null)
        {
            Assert.Equal(name, Encoding.Latin1.GetString(Encoding.Latin1.GetBytes(name)));
            Assert.Equal(name, name.Trim());
            Assert.DoesNotContain(name, letter => char.IsControl(letter) || char.IsWhiteSpace(letter) || letter is ',' or '/' or ':' or ';' or '"');
        }
    }, iter: 20_000);

    [Fact]
    public void Latin_1_letters_and_digits_are_always_accepted_in_a_username() => Gen.String[Gen.Char[' ', '\u00ff'], 1, 20].Sample(text =>
    {
        string name = string.Concat(text.Where(char.IsLetterOrDigit));
        Assert.Equal(name.Length == 0, Username.FindError(name) is not null);
    }, iter: 5000);
}
