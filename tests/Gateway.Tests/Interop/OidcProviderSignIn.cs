using System.Net;
using System.Text.RegularExpressions;

namespace Gateway.Tests.Interop;

/// <summary>One person's browser at oidc-provider, without a browser: it keeps the provider's cookies and submits its pages.</summary>
internal sealed partial class OidcProviderSignIn : IDisposable
{
    private const int MostSteps = 20;

    private readonly Uri _issuer;
    private readonly HttpClient _http;

    public OidcProviderSignIn(Uri issuer)
    {
        _issuer = issuer;
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            CookieContainer = new CookieContainer(),
            UseProxy = false,
        });
    }

    /// <summary>The pages that were submitted, by title: a second sign-in shows none.</summary>
    public List<string> Pages { get; } = [];

    /// <summary>Goes through login and consent, and returns the redirect to the client without following it.</summary>
    public Task<Uri> SignInAsync(Uri authorize, string login, CancellationToken ct) =>
        WalkAsync(authorize, new() { ["login"] = login }, ct);

    /// <summary>Declines, on the first page that asks.</summary>
    public Task<Uri> CancelAsync(Uri authorize, CancellationToken ct) =>
        WalkAsync(authorize, new() { ["abort"] = "yes" }, ct);

    /// <summary>Confirms the logout, and returns the redirect to the client without following it.</summary>
    public Task<Uri> SignOutAsync(Uri endSession, CancellationToken ct) =>
        WalkAsync(endSession, new() { ["logout"] = "yes" }, ct);

    public void Dispose() => _http.Dispose();

    private async Task<Uri> WalkAsync(Uri start, Dictionary<string, string> answers, CancellationToken ct)
    {
        HttpRequestMessage request = new HttpRequestMessage(HttpMethod.Get, start);
        for (int step = 0; step < MostSteps; step++)
        {
            using HttpRequestMessage sent = request;
            using HttpResponseMessage response = await _http.SendAsync(sent, ct);
            if (response.Headers.Location is not { } location)
            {
                request = Submit(sent.RequestUri!, response.StatusCode, await response.Content.ReadAsStringAsync(ct), answers);
                continue;
            }

            Uri next = new Uri(sent.RequestUri!, location);
            if (next.Authority != _issuer.Authority)
            {
                return next;
            }

            request = new HttpRequestMessage(HttpMethod.Get, next);
        }

        throw new InvalidOperationException($"{start} leads nowhere in {MostSteps} steps.");
    }

    private HttpRequestMessage Submit(Uri here, HttpStatusCode status, string html, Dictionary<string, string> answers)
    {
        Match form = Form().Match(html);
        if (status != HttpStatusCode.OK || !form.Success)
        {
            throw new InvalidOperationException($"{here.GetLeftPart(UriPartial.Path)} answered {(int)status} without a form:\n{html}");
        }

        Uri action = new Uri(here, WebUtility.HtmlDecode(form.Groups["action"].Value));
        if (action.Authority != _issuer.Authority)
        {
            throw new InvalidOperationException($"The page posts to {action} (response_mode=form_post?); only redirects are followed.");
        }

        Pages.Add(WebUtility.HtmlDecode(Title().Match(html).Groups["title"].Value));
        Dictionary<string, string> fields = new Dictionary<string, string>(answers);
        foreach (Match hidden in HiddenField().Matches(html))
        {
            fields[hidden.Groups["name"].Value] = WebUtility.HtmlDecode(hidden.Groups["value"].Value);
        }

        return new HttpRequestMessage(HttpMethod.Post, action) { Content = new FormUrlEncodedContent(fields) };
    }

    // tests/interop/pages.mjs writes the pages, so expressions are enough to read them.
    [GeneratedRegex("""<form\b[^>]*\baction="(?<action>[^"]*)""")]
    private static partial Regex Form();

    [GeneratedRegex("""<input type="hidden" name="(?<name>[^"]*)" value="(?<value>[^"]*)""")]
    private static partial Regex HiddenField();

    [GeneratedRegex("<title>(?<title>[^<]*)</title>")]
    private static partial Regex Title();
}
