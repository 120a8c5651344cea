using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Gateway.StaticCache;

/// <summary>The weights of the content codings in `Accept-Encoding` (RFC 9110, section 12.5.3); 0 excludes a coding.</summary>
internal readonly record struct AcceptedCodings(double Brotli, double Gzip, double Identity)
{
    /// <summary>Below every weight that a client can name: RFC 9110 prefers a named coding to an unnamed identity.</summary>
    private const double UnnamedIdentity = 0.0001;

    /// <summary>Without a valid header the RFC allows any coding, but the client may be a program that decodes none.</summary>
    private static readonly AcceptedCodings IdentityOnly = new(0, 0, 1);

    public static AcceptedCodings From(StringValues header)
    {
        if (!StringWithQualityHeaderValue.TryParseList(header, out IList<StringWithQualityHeaderValue>? codings))
        {
            return IdentityOnly;
        }

        double? brotli = null;
        double? gzip = null;
        double? identity = null;
        double? others = null;
        foreach (StringWithQualityHeaderValue coding in codings)
        {
            double weight = coding.Quality ?? 1;
            switch (coding.Value.Value?.ToLowerInvariant())
            {
                case "br":
                    brotli = weight;
                    break;

                case "gzip" or "x-gzip":
                    gzip = weight;
                    break;

                case "identity":
                    identity = weight;
                    break;

                case "*":
                    others = weight;
                    break;
            }
        }

        double unnamedIdentity = others == 0 ? 0 : UnnamedIdentity;
        return new AcceptedCodings(brotli ?? others ?? 0, gzip ?? others ?? 0, identity ?? unnamedIdentity);
    }
}
