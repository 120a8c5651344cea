using System.Security.Cryptography;

namespace Gateway.StandIns.Paperless;

/// <summary>Random text in the alphabets that Django uses.</summary>
internal static class RandomText
{
    public const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    public static string Alphanumeric(int length) => RandomNumberGenerator.GetString(Letters, length);

    public static string LowerAlphanumeric(int length) =>
        RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", length);

    public static string Hex(int length) => RandomNumberGenerator.GetHexString(length, lowercase: true);
}
