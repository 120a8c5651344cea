using CsCheck;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Tests.Attacks;

/// <summary>A change to the text of a signed token, or to the bytes that it stands for.</summary>
/// <param name="At">A position, as a part of the whole, so that it fits a token of any length.</param>
internal sealed record TokenMutation(string Kind, double At, int Number, char Letter)
{
    private const string Base64UrlLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    private const string OtherLetters = ".=+/ \t\r\n\0%\"'{}äß,;:~";

    private static readonly string[] Kinds =
    [
        "replace", "insert", "delete", "swap", "cut the end", "cut the beginning", "repeat", "append", "letter case",
        "flip a bit of the header", "flip a bit of the claims", "flip a bit of the signature",
    ];

    public static readonly Gen<TokenMutation> Any = Gen.Select(
        Gen.Int[0, Kinds.Length - 1].Select(index => Kinds[index]),
        Gen.Double[0, 0.999_999],
        Gen.Int[1, 63],
        Gen.Frequency((4, Gen.Char[Base64UrlLetters]), (1, Gen.Char[OtherLetters])),
        (kind, at, number, letter) => new TokenMutation(kind, at, number, letter));

    /// <summary>One to three changes.</summary>
    public static readonly Gen<TokenMutation[]> Several = Any.Array[1, 3];

    public string Apply(string token)
    {
        if (token.Length < 2)
        {
            return token + Letter;
        }

        int at = (int)(At * token.Length);
        int next = at == token.Length - 1 ? 0 : at + 1;
        switch (Kind)
        {
            case "replace":
                return Put(token, (at, Letter));
            case "insert":
                return token.Insert(at, Letter.ToString());
            case "delete":
                return token.Remove(at, 1);
            case "swap":
                return Put(token, (at, token[next]), (next, token[at]));
            case "cut the end":
                return token[..Math.Max(0, token.Length - Number)];
            case "cut the beginning":
                return token[Math.Min(Number, token.Length)..];
            case "repeat":
                return token.Insert(at, token.Substring(at, Math.Min(Number, token.Length - at)));
            case "append":
                return token + new string(Letter, Number);
            case "letter case":
                return Put(token, (at, char.IsAsciiLetterUpper(token[at]) ? char.ToLowerInvariant(token[at]) : char.ToUpperInvariant(token[at])));
            case "flip a bit of the header":
                return Flip(token, 0);
            case "flip a bit of the claims":
                return Flip(token, 1);
            default:
                return Flip(token, 2);
        }
    }

    private static string Put(string token, params (int At, char Letter)[] letters)
    {
        char[] text = token.ToCharArray();
        Array.ForEach(letters, one => text[one.At] = one.Letter);
        return new string(text);
    }

    /// <summary>What changed before may have left no such part.</summary>
    private string Flip(string token, int part)
    {
        string[] parts = token.Split('.');
        if (part >= parts.Length || Decoded(parts[part]) is not { Length: > 0 } bytes)
        {
            return token + Letter;
        }

        bytes[(int)(At * bytes.Length)] ^= (byte)(1 << (Number % 8));
        parts[part] = Base64UrlEncoder.Encode(bytes);
        return string.Join('.', parts);
    }

    private static byte[]? Decoded(string part)
    {
        try
        {
            return Base64UrlEncoder.DecodeBytes(part);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
