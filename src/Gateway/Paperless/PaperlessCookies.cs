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
/// Filters and rewrites Paperless's cookies. Paperless's session cookie is bound to the gateway's session (`value.tag`, the tag an HMAC over
/// the value), so that it is valid in that session only. The gateway stores nothing about the cookie.
/// </summary>
internal sealed class PaperlessCookies(GatewaySettings settings, ISecretStore secrets)
{
    private const int TagBytes = 16;
    private const int TagCharacters = 22;
    private const int MaxValueLength = 512;

    /// <summary>Browsers send far less to one host. Of a longer header only Paperless's session is cached, and each request filters the header again.</summary>
    private const int MaxCachedLength = 8192;

    /// <summary>The characters that Python's `str.strip` removes; Django applies it to a cookie's name and value.</summary>
    private const string Whitespace = " \t\n\v\f\r\u001c\u001d\u001e\u001f\u0085\u00a0";

    private readonly string _sessionCookie = settings.Paperless.SessionCookie;

    /// <summary>
    /// The key that binds Paperless's session cookie outside a session of the gateway, as in a password session. The key is read when the
    /// database is open, and read again after a failure.
    /// </summary>
    private readonly Lazy<byte[]> _bindingKeyWithoutSession = new(
        () => secrets.GetOrCreate(ISecretStore.PasswordSessionBinding, ISecretStore.PasswordSessionBindingBytes),
        LazyThreadSafetyMode.PublicationOnly);

    /// <summary>The `Cookie` header for Paperless; null where no cookie is forwarded.</summary>
    /// <param name="raw">The header of the browser.</param>
    /// <param name="session">The gateway's session. Paperless's session cookie passes only if it is bound to this session; null: to no session.</param>
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

        string? forwarded = Filter(text, session);
        if (session is not null)
        {
            session.LastCookies = text.Length <= MaxCachedLength
                ? new CookieMemo(text, forwarded)
                : new CookieMemo("", FindPaperlessSession(forwarded) is { } value ? $"{_sessionCookie}={value}" : null);
        }

        return forwarded;
    }

    /// <summary>The value of Paperless's session cookie without its tag; null where the request has no cookie that is bound to the session.</summary>
    public string? ReadPaperlessSession(HttpRequest request, Session? session)
    {
        foreach (string? header in request.Headers.Cookie)
        {
            foreach (Range range in header.AsSpan().Split(';'))
            {
                ReadOnlySpan<char> pair = header.AsSpan()[range].Trim(Whitespace);
                if (IsSessionCookie(pair) && Value(pair, session) is { Length: > 0 } value)
                {
                    return value.ToString();
                }
            }
        }

        return null;
    }

    /// <summary>The value of Paperless's session cookie in the last request of a session.</summary>
    public string? ReadLastPaperlessSession(Session session) => FindPaperlessSession(session.LastCookies?.ForPaperless);

    /// <param name="sent">A `Cookie` header as <see cref="ForPaperless"/> gives it.</param>
    public string? FindPaperlessSession(ReadOnlySpan<char> sent)
    {
        foreach (Range range in sent.Split(';'))
        {
            ReadOnlySpan<char> pair = sent[range].Trim(Whitespace);
            if (IsSessionCookie(pair))
            {
                return pair[(pair.IndexOf('=') + 1)..].ToString();
            }
        }

        return null;
    }

    /// <summary>Rewrites Paperless's `Set-Cookie` for the browser: binds the session cookie, and adds Secure on https.</summary>
    public string ForBrowser(string setCookie, Session? session)
    {
        string cookie = IsSessionCookie(setCookie) ? Bind(setCookie, session) : setCookie;
        return settings.Public.IsHttps && !HasSecure(cookie) ? cookie + "; Secure" : cookie;
    }

    /// <summary>Deletes Paperless's cookies in the browser.</summary>
    public void Delete(HttpResponse response)
    {
        foreach (string name in new[] { settings.Paperless.SessionCookie, settings.Paperless.CsrfCookie })
        {
            response.Cookies.Append(name, "", new CookieOptions
            {
                // Paperless sets both cookies for the whole host, also with a script name.
                Path = "/",
                MaxAge = TimeSpan.Zero,
                Secure = settings.Public.IsHttps,
                SameSite = SameSiteMode.Lax,
            });
        }
    }

    private string? Filter(string text, Session? session)
    {
        StringBuilder? forwarded = null;
        bool hasSession = false;
        foreach (Range range in text.AsSpan().Split(';'))
        {
            ReadOnlySpan<char> pair = text.AsSpan()[range].Trim(Whitespace);
            if (pair.IsEmpty || IsGatewayCookie(pair))
            {
                continue;
            }

            bool isPaperlessSession = IsSessionCookie(pair);
            ReadOnlySpan<char> value = isPaperlessSession ? Value(pair, session) : default;
            if (isPaperlessSession && (value.IsEmpty || hasSession))
            {
                // Only the first valid cookie is forwarded, as in ReadPaperlessSession.
                continue;
            }

            hasSession |= isPaperlessSession;

            forwarded = (forwarded?.Append("; ") ?? new StringBuilder(text.Length));
            _ = isPaperlessSession ? forwarded.Append(_sessionCookie).Append('=').Append(value) : forwarded.Append(pair);
        }

        return forwarded?.ToString();
    }

    private static bool IsGatewayCookie(ReadOnlySpan<char> pair)
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
        return equals >= 0 && pair[..equals].Trim(Whitespace).SequenceEqual(_sessionCookie);
    }

    /// <summary>The cookie's value without its tag; empty where the tag does not belong to the session.</summary>
    private ReadOnlySpan<char> Value(ReadOnlySpan<char> pair, Session? session)
    {
        ReadOnlySpan<char> bound = pair[(pair.IndexOf('=') + 1)..].Trim(Whitespace).Trim('"');
        int dot = bound.Length - TagCharacters - 1;
        if (dot <= 0 || bound[dot] != '.' || dot > MaxValueLength)
        {
            return default;
        }

        Span<byte> sent = stackalloc byte[TagBytes];
        Span<byte> expected = stackalloc byte[TagBytes];
        Tag(bound[..dot], session, expected);

        // TryDecodeFromChars would throw for a character outside base64url.
        return Base64Url.DecodeFromChars(bound[(dot + 1)..], sent, out _, out int written) == OperationStatus.Done && written == TagBytes
            && CryptographicOperations.FixedTimeEquals(sent, expected)
            ? bound[..dot]
            : default;
    }

    private string Bind(string setCookie, Session? session)
    {
        int start = setCookie.IndexOf('=', StringComparison.Ordinal) + 1;
        int end = setCookie.IndexOf(';', StringComparison.Ordinal);
        end = end < 0 ? setCookie.Length : end;
        ReadOnlySpan<char> value = setCookie.AsSpan(start, end - start).Trim(Whitespace).Trim('"');
        if (value.IsEmpty || value.Length > MaxValueLength)
        {
            return setCookie;
        }

        Span<byte> tag = stackalloc byte[TagBytes];
        Tag(value, session, tag);
        return string.Concat(setCookie.AsSpan(0, start), value, $".{Base64Url.EncodeToString(tag)}", setCookie.AsSpan(end));
    }

    private void Tag(ReadOnlySpan<char> value, Session? session, Span<byte> tag)
    {
        Span<byte> bytes = stackalloc byte[MaxValueLength];
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        int length = Encoding.Latin1.GetBytes(value, bytes);
        HMACSHA256.HashData(session?.BindingKey ?? _bindingKeyWithoutSession.Value, bytes[..length], hash);
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
