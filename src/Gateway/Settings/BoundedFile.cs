namespace Gateway.Settings;

/// <summary>Reads whole files up to a limit.</summary>
internal static class BoundedFile
{
    private const int SmallestBuffer = 4096;

    /// <summary>Reads up to the limit instead of trusting the length, because pipes and devices have no length.</summary>
    /// <returns>Null if the file has more than <paramref name="maxBytes"/> bytes.</returns>
    public static byte[]? Read(string path, int maxBytes, FileShare share = FileShare.Read)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, share);
        long expected = Math.Max(stream.CanSeek ? stream.Length : 0, SmallestBuffer);
        byte[] buffer = new byte[Math.Min(expected, maxBytes) + 1];
        int length = 0;
        while (true)
        {
            length += stream.ReadAtLeast(buffer.AsSpan(length), buffer.Length - length, throwOnEndOfStream: false);
            if (length > maxBytes)
            {
                return null;
            }

            if (length < buffer.Length)
            {
                return buffer[..length];
            }

            // The file had no length, or it has grown.
            Array.Resize(ref buffer, (int)Math.Min(buffer.Length * 2L, maxBytes + 1L));
        }
    }
}
