using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace Gateway.StaticCache;

/// <summary>How much a client wants each coding (RFC 9110, section 12.5.3), in thousandths; 0: not at all.</summary>
internal readonly record struct AcceptedCodings(int Brotli, int Gzip, int Identity)
{
    private const int Unsaid = -1;

    /// <summary>Without the header any coding would do; what sends none is a program that may know none.</summary>
    private static readonly AcceptedCodings Plain = new(0, 0, 1000);

    public static AcceptedCodings Of(StringValues header)
    {
        if (header.Count == 0)
        {
            return Plain;
        }

        int brotli = Unsaid;
        int gzip = Unsaid;
        int identity = Unsaid;
        int others = Unsaid;
        foreach (string? line in header)
        {
            ReadOnlySpan<char> text = line;
            foreach (Range range in text.Split(','))
            {
                ReadOnlySpan<char> one = text[range];
                int semicolon = one.IndexOf(';');
                ReadOnlySpan<char> coding = (semicolon < 0 ? one : one[..semicolon]).Trim();
                int weight = semicolon < 0 ? 1000 : Weight(one[(semicolon + 1)..]);
                if (coding.Equals("br", StringComparison.OrdinalIgnoreCase))
                {
                    brotli = weight;
                }
                else if (coding.Equals("gzip", StringComparison.OrdinalIgnoreCase) || coding.Equals("x-gzip", StringComparison.OrdinalIgnoreCase))
                {
                    gzip = weight;
                }
                else if (coding.Equals("identity", StringComparison.OrdinalIgnoreCase))
                {
                    identity = weight;
                }
                else if (coding is "*")
                {
                    others = weight;
                }
            }
        }

        // Identity is acceptable unless it is excluded, and what is asked for by name goes before it.
        return new AcceptedCodings(
            brotli != Unsaid ? brotli : Math.Max(others, 0),
            gzip != Unsaid ? gzip : Math.Max(others, 0),
            IdentityWeight(identity, others));
    }

    private static int IdentityWeight(int identity, int others)
    {
        if (identity != Unsaid)
        {
            return identity;
        }

        return others == 0 ? 0 : 1;
    }

    /// <summary>A coding whose weight cannot be read is not used.</summary>
    private static int Weight(ReadOnlySpan<char> parameters)
    {
        ReadOnlySpan<char> text = parameters.Trim();
        return text.Length > 2 && text[0] is 'q' or 'Q' && text[1] == '='
            && decimal.TryParse(text[2..], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal weight) && weight is >= 0 and <= 1
            ? (int)(weight * 1000)
            : 0;
    }
}
