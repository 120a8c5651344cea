using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;

namespace Gateway.Benchmarks.Servers;

/// <summary>The development provider, at which everybody is Alice at once: with 12 claims of her own and 10 groups.</summary>
internal static class Provider
{
    /// <summary>What a browser has beside the session: Paperless's own.</summary>
    public const string PaperlessCookie = "csrftoken=sZcEGCdPOTvtAxt0k3v2V2VuVg595RL4";

    public static readonly IReadOnlyList<string> Groups =
        ["paperless-users", "family", "accounting", "tax", "house", "insurance", "school", "health", "car", "archive"];

    public static async Task<DevelopmentProvider> StartAsync(Workbench bench)
    {
        // To `sub`, `email`, `email_verified`, `name`, `given_name`, `preferred_username`, `nickname` and `groups`, which it maps itself.
        JsonObject further = new() { ["family_name"] = "Archer", ["locale"] = "en-GB", ["zoneinfo"] = "Europe/London", ["department"] = "Home" };
        DevelopmentProvider provider = bench.Keep(await DevelopmentProvider.StartAsync(new DevelopmentProviderOptions
        {
            People = [Person.Named("alice", "Alice Archer", [.. Groups]) with { ExtraClaims = further }],
        }, bench.Cancel));
        provider.SignsInAs = "alice";
        return provider;
    }

    /// <summary>Follows the code flow as a browser does.</summary>
    /// <returns>The `Cookie` header that it comes to.</returns>
    public static async Task<string> SignInAsync(Uri begin, CancellationToken cancel)
    {
        CookieContainer cookies = new();
        using HttpClient browser = new(new SocketsHttpHandler { CookieContainer = cookies });
        browser.DefaultRequestHeaders.Add("Accept", "text/html");
        browser.DefaultRequestHeaders.Add("Sec-Fetch-Mode", "navigate");
        browser.DefaultRequestHeaders.Add("Sec-Fetch-Dest", "document");
        using HttpResponseMessage page = await browser.GetAsync(begin, cancel);
        page.EnsureSuccessStatusCode();
        return cookies.GetCookieHeader(begin) + "; " + PaperlessCookie;
    }
}
