using System.Buffers;
using System.Text;
using Gateway.Pages;

namespace Gateway.Access;

/// <summary>
/// Refuses a request target that two parsers could read differently, before the access decision. Other targets are forwarded byte for byte,
/// and Paperless decodes them as the gateway does.
/// </summary>
internal static class PathGuard
{
    private static readonly SearchValues<char> EscapesAndSeparators = SearchValues.Create("%\\;");

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <returns>The error for the log and the page; null for a clear target.</returns>
    public static PageText? FindError(string rawTarget)
    {
        if (rawTarget.Length == 0 || rawTarget[0] != '/')
        {
            return "the request target is not a path";
        }

        ReadOnlySpan<char> target = rawTarget;
        if (target.ContainsAnyExceptInRange('!', '~'))
        {
            return "the request target has characters that a URL must not contain";
        }

        // Clients never send a fragment (RFC 9110, section 4.2.4), and parsers differ on where a fragment begins.
        if (target.Contains('#'))
        {
            return "the request target has a #";
        }

        int query = target.IndexOf('?');
        ReadOnlySpan<char> path = query < 0 ? target : target[..query];

        if (path.Contains("//", StringComparison.Ordinal))
        {
            return "the path has two slashes in a row";
        }

        if (path.IndexOfAny(EscapesAndSeparators) >= 0)
        {
            return FindEscapeError(path);
        }

        return HasDotSegment(path) ? "the path has a dot segment" : null;
    }

    private static PageText? FindEscapeError(ReadOnlySpan<char> path)
    {
        if (path.ContainsAny('\\', ';'))
        {
            return "the path has a backslash or a semicolon";
        }

        byte[] rented = ArrayPool<byte>.Shared.Rent(path.Length);
        try
        {
            if (!TryDecode(path, rented, out int length))
            {
                return "the path has an incomplete % escape, or one that hides a slash, a backslash, a semicolon or a control character";
            }

            string decoded = StrictUtf8.GetString(rented, 0, length);
            return HasDotSegment(decoded) ? "the path has a dot segment" : null;
        }
        catch (DecoderFallbackException)
        {
            return "the path's % escapes are not UTF-8";
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Decodes the escapes to bytes; false for an incomplete escape and for an escaped character that is refused unescaped, too.</summary>
    private static bool TryDecode(ReadOnlySpan<char> path, byte[] bytes, out int length)
    {
        length = 0;
        for (int i = 0; i < path.Length; i++)
        {
            if (path[i] != '%')
            {
                bytes[length++] = (byte)path[i];
                continue;
            }

            if (i + 2 >= path.Length || !char.IsAsciiHexDigit(path[i + 1]) || !char.IsAsciiHexDigit(path[i + 2]))
            {
                return false;
            }

            byte value = (byte)((HexDigit(path[i + 1]) << 4) | HexDigit(path[i + 2]));
            if (value is < 0x20 or 0x7F or (byte)'/' or (byte)'\\' or (byte)';')
            {
                return false;
            }

            bytes[length++] = value;
            i += 2;
        }

        return true;
    }

    private static int HexDigit(char digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;

    private static bool HasDotSegment(ReadOnlySpan<char> path)
    {
        for (int slash = path.IndexOf("/.", StringComparison.Ordinal); slash >= 0;)
        {
            ReadOnlySpan<char> segment = path[(slash + 1)..];
            int end = segment.IndexOf('/');
            segment = end < 0 ? segment : segment[..end];
            if (segment is "." or "..")
            {
                return true;
            }

            path = path[(slash + 2)..];
            slash = path.IndexOf("/.", StringComparison.Ordinal);
        }

        return false;
    }
}
