using System.Security.Cryptography;
using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.Extensions.Primitives;

namespace Gateway.SignIn;

/// <summary>
/// One short cookie for each round trip of a browser. Their names are from a fixed list, so that no number of beginnings, one after another or
/// in parallel, makes the browser's `Cookie` header longer than a web server takes.
/// </summary>
internal sealed class CorrelationCookies(PublicOrigin settings, TimeProvider time)
{
    /// <summary>How many round trips may be under way: a beginning drops the oldest ones beyond that.</summary>
    public const int MaxConcurrent = 8;

    /// <summary>How long a person may take at the provider.</summary>
    public static readonly TimeSpan Ttl = TimeSpan.FromMinutes(30);

    /// <summary>The last letter of the name. There are more than may be under way, so that parallel beginnings seldom take the same one.</summary>
    private const string Slots = "0123456789abcdefghijklmnopqrstuv";

    /// <summary>Another replica's clock may be ahead by this.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(2);

    /// <summary>
    /// `__Host-`: no other site of the domain can put its own round trip into this browser. It wants the path `/`, so that a silent round trip,
    /// which begins at any page, sees all of them, too.
    /// </summary>
    private readonly string _prefix = (settings.IsHttps ? "__Host-" : "") + SessionCookie.Prefix + "-correlation-";

    /// <summary>Gives the browser the secret of a new round trip.</summary>
    public CorrelationSecret Begin(HttpContext context)
    {
        Dictionary<char, CorrelationSecret?> sent = Read(context.Request.Headers.Cookie);
        HashSet<char> kept = [.. sent
            .Where(one => one.Value is not null)
            .OrderByDescending(one => one.Value!.BegunAt)
            .Take(MaxConcurrent - 1)
            .Select(one => one.Key)];
        char slot = FreeSlot(sent, kept);
        foreach (char dropped in sent.Keys.Where(one => one != slot && !kept.Contains(one)))
        {
            Expire(context.Response, dropped);
        }

        CorrelationSecret secret = CorrelationSecret.Create(time.GetUtcNow());
        context.Response.Cookies.Append(_prefix + slot, secret.ToCookieValue(), Options(Ttl));
        return secret;
    }

    /// <summary>Ends the browser's round trip whose state says <paramref name="stateHash"/>.</summary>
    /// <returns>Null where this browser has none under way.</returns>
    public CorrelationSecret? Finish(HttpContext context, string stateHash)
    {
        foreach ((char slot, CorrelationSecret? secret) in Read(context.Request.Headers.Cookie))
        {
            if (secret?.MatchesState(stateHash) == true)
            {
                Expire(context.Response, slot);
                return secret;
            }
        }

        return null;
    }

    /// <summary>One that the browser does not have; where it has all of them, one that is dropped.</summary>
    private static char FreeSlot(Dictionary<char, CorrelationSecret?> sent, HashSet<char> kept)
    {
        char[] free = [.. Slots.Where(slot => !sent.ContainsKey(slot))];
        if (free.Length == 0)
        {
            // Rather one that was whole: one that was sent twice would stay so.
            free = [.. sent.Where(one => !kept.Contains(one.Key)).OrderBy(one => one.Value is null).Select(one => one.Key).Take(1)];
        }

        return free[RandomNumberGenerator.GetInt32(free.Length)];
    }

    /// <summary>The cookies by the last letter of their names; null for one that counts as absent: sent twice, malformed, or too old.</summary>
    private Dictionary<char, CorrelationSecret?> Read(StringValues headers)
    {
        Dictionary<char, CorrelationSecret?> sent = [];
        DateTimeOffset now = time.GetUtcNow();
        foreach (string? header in headers)
        {
            foreach (Range range in header.AsSpan().Split(';'))
            {
                ReadOnlySpan<char> pair = header.AsSpan()[range].Trim(' ');
                int equals = pair.IndexOf('=');
                if (equals != _prefix.Length + 1 || !pair.StartsWith(_prefix, StringComparison.Ordinal) || !Slots.Contains(pair[_prefix.Length]))
                {
                    continue;
                }

                char slot = pair[_prefix.Length];
                CorrelationSecret? secret = CorrelationSecret.Parse(pair[(equals + 1)..]);
                bool isValid = secret is not null && secret.BegunAt > now - Ttl && secret.BegunAt <= now + ClockSkew;
                sent[slot] = isValid && !sent.ContainsKey(slot) ? secret : null;
            }
        }

        return sent;
    }

    private void Expire(HttpResponse response, char slot) => response.Cookies.Append(_prefix + slot, "", Options(TimeSpan.Zero));

    private CookieOptions Options(TimeSpan age) => new()
    {
        HttpOnly = true,
        Secure = settings.IsHttps,
        SameSite = SameSiteMode.Lax,
        Path = "/",
        MaxAge = age,
        IsEssential = true,
    };
}
