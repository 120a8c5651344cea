using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.Extensions.Primitives;

namespace Gateway.Paperless;

/// <summary>
/// Paperless's cookies on their way through. Its session cookie is bound to the gateway's session (`value.tag`, the tag an HMAC over
/// the value), so one person's Paperless session can never answer for another; nothing about it is stored.
/// </summary>
internal sealed class PaperlessCookies(GatewaySettings settings, ISecretStore secrets)
{
    private const int TagBytes = 16;
    private const int TagLetters = 22;
    private const int LongestValue = 512;

    /// <summary>Browsers send far less to one host. Of a longer header only Paperless's session is remembered, and it is read anew each time.</summary>
    private const int LongestRemembered = 8192;

    /// <summary>What Python's `str.strip` takes away, with which Django reads a cookie's name and value.</summary>
    private const string Blanks = " \t\n\v\f\r\u001c\u001d\u001e\u001f\u0085\u00a0";

    private readonly string _sessionCookie = settings.Paperless.SessionCookie;

    /// <summary>
    /// Binds what Paperless sets for somebody without a session of the gateway's, a sign-in with a password above all: so a session that
    /// came about with one is nobody's here. Read when the database is open, and again where that failed.
    /// </summary>
    private readonly Lazy<byte[]> _bindingOfUnknown = new(
        () => secrets.GetOrCreate(ISecretStore.PasswordSessionBinding, ISecretStore.PasswordSessionBindingBytes),
        LazyThreadSafetyMode.PublicationOnly);

    /// <summary>The `Cookie` header for Paperless; null where nothing is left of it.</summary>
    /// <param name="raw">What the browser sent.</param>
    /// <param name="session">The gateway's session: Paperless's passes only if it is bound to it, or, without one, to nobody's.</param>
    public string? ForPaperless(StringValues raw, Session? session)
    {
        if (raw.Count == 0)
        {
            return null;
        }

        string text = raw.Count == 1 ? raw[0]! : string.Join("; ", raw.ToArray());
        if (session?.LastCookies is { } last && last.Raw == text)
        {
            return last.ForPaperless;
        }

        string? kept = Filter(text, session);
        if (session is not null)
        {
            session.LastCookies = text.Length <= LongestRemembered
                ? new CookieMemo(text, kept)
                : new CookieMemo("", PaperlessSessionIn(kept) is { } value ? $"{_sessionCookie}={value}" : null);
        }

        return kept;
    }

    /// <summary>The value of Paperless's session cookie in a request, unbound; null where there is none that belongs to the session.</summary>
    public string? PaperlessSession(HttpRequest request, Session? session)
    {
        foreach (string? header in request.Headers.Cookie)
        {
            foreach (Range range in header.AsSpan().Split(';'))
            {
                ReadOnlySpan<char> pair = header.AsSpan()[range].Trim(Blanks);
                if (IsSessionCookie(pair) && Value(pair, session) is { Length: > 0 } value)
                {
                    return value.ToString();
                }
            }
        }

        return null;
    }

    /// <summary>The same of a session's last request.</summary>
    public string? LastPaperlessSession(Session session) => PaperlessSessionIn(session.LastCookies?.ForPaperless);

    private string? PaperlessSessionIn(ReadOnlySpan<char> sent)
    {
        foreach (Range range in sent.Split(';'))
        {
            ReadOnlySpan<char> pair = sent[range].Trim(Blanks);
            if (IsSessionCookie(pair))
            {
                return pair[(pair.IndexOf('=') + 1)..].ToString();
            }
        }

        return null;
    }

    /// <summary>A `Set-Cookie` of Paperless's for the browser: bound, and Secure on https.</summary>
    public string ForBrowser(string setCookie, Session? session)
    {
        string cookie = IsSessionCookie(setCookie) ? Bind(setCookie, session) : setCookie;
        return settings.Public.IsHttps && !HasSecure(cookie) ? cookie + "; Secure" : cookie;
    }

    /// <summary>Takes both of Paperless's cookies away from the browser.</summary>
    public void Delete(HttpResponse response)
    {
        foreach (string name in new[] { settings.Paperless.SessionCookie, settings.Paperless.CsrfCookie })
        {
            response.Cookies.Append(name, "", new CookieOptions
            {
                // Paperless sets both for the whole host, below a script name too.
                Path = "/",
                MaxAge = TimeSpan.Zero,
                Secure = settings.Public.IsHttps,
                SameSite = SameSiteMode.Lax,
            });
        }
    }

    private string? Filter(string text, Session? session)
    {
        StringBuilder? kept = null;
        bool hasSession = false;
        foreach (Range range in text.AsSpan().Split(';'))
        {
            ReadOnlySpan<char> pair = text.AsSpan()[range].Trim(Blanks);
            if (pair.IsEmpty || IsOwn(pair))
            {
                continue;
            }

            bool paperlessSession = IsSessionCookie(pair);
            ReadOnlySpan<char> value = paperlessSession ? Value(pair, session) : default;
            if (paperlessSession && (value.IsEmpty || hasSession))
            {
                // Of several only the first goes on, the one that PaperlessSession reads.
                continue;
            }

            hasSession |= paperlessSession;

            kept = (kept?.Append("; ") ?? new StringBuilder(text.Length));
            _ = paperlessSession ? kept.Append(_sessionCookie).Append('=').Append(value) : kept.Append(pair);
        }

        return kept?.ToString();
    }

    private static bool IsOwn(ReadOnlySpan<char> pair)
    {
        ReadOnlySpan<char> name = pair;
        if (pair.StartsWith("__Host-", StringComparison.OrdinalIgnoreCase))
        {
            name = pair["__Host-".Length..];
        }
        else if (pair.StartsWith("__Secure-", StringComparison.OrdinalIgnoreCase))
        {
            name = pair["__Secure-".Length..];
        }

        return name.StartsWith(SessionCookie.Prefix, StringComparison.OrdinalIgnoreCase);
    }

    private bool IsSessionCookie(ReadOnlySpan<char> pair)
    {
        int equals = pair.IndexOf('=');
        return equals >= 0 && pair[..equals].Trim(Blanks).SequenceEqual(_sessionCookie);
    }

    /// <summary>The cookie's value without its tag; empty where the tag is not this session's.</summary>
    private ReadOnlySpan<char> Value(ReadOnlySpan<char> pair, Session? session)
    {
        ReadOnlySpan<char> bound = pair[(pair.IndexOf('=') + 1)..].Trim(Blanks).Trim('"');
        int dot = bound.Length - TagLetters - 1;
        if (dot <= 0 || bound[dot] != '.' || dot > LongestValue)
        {
            return default;
        }

        Span<byte> sent = stackalloc byte[TagBytes];
        Span<byte> right = stackalloc byte[TagBytes];
        Tag(bound[..dot], session, right);

        // Not TryDecodeFromChars, which throws where a letter is none of base64url's.
        return Base64Url.DecodeFromChars(bound[(dot + 1)..], sent, out _, out int written) == OperationStatus.Done && written == TagBytes
            && CryptographicOperations.FixedTimeEquals(sent, right)
            ? bound[..dot]
            : default;
    }

    private string Bind(string setCookie, Session? session)
    {
        int start = setCookie.IndexOf('=', StringComparison.Ordinal) + 1;
        int end = setCookie.IndexOf(';', StringComparison.Ordinal);
        end = end < 0 ? setCookie.Length : end;
        ReadOnlySpan<char> value = setCookie.AsSpan(start, end - start).Trim(Blanks).Trim('"');
        if (value.IsEmpty || value.Length > LongestValue)
        {
            return setCookie;
        }

        Span<byte> tag = stackalloc byte[TagBytes];
        Tag(value, session, tag);
        return string.Concat(setCookie.AsSpan(0, start), value, $".{Base64Url.EncodeToString(tag)}", setCookie.AsSpan(end));
    }

    private void Tag(ReadOnlySpan<char> value, Session? session, Span<byte> tag)
    {
        Span<byte> bytes = stackalloc byte[LongestValue];
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        int length = Encoding.Latin1.GetBytes(value, bytes);
        HMACSHA256.HashData(session?.BindingKey ?? _bindingOfUnknown.Value, bytes[..length], hash);
        hash[..TagBytes].CopyTo(tag);
    }

    private static bool HasSecure(string setCookie)
    {
        foreach (Range range in setCookie.AsSpan().Split(';'))
        {
            if (setCookie.AsSpan()[range].Trim(' ').Equals("secure", StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
