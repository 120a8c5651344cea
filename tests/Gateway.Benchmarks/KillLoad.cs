using System.Collections.Concurrent;
using System.Net;

namespace Gateway.Benchmarks;

/// <summary>Sign-ins and sign-outs without a pause, something killed in the middle, and what of all that was acknowledged holds afterwards.</summary>
internal sealed class KillLoad(ReplicaSite site)
{
    private const int Browsers = 6;

    private static readonly TimeSpan BeforeAndAfter = TimeSpan.FromSeconds(4);

    private readonly ConcurrentDictionary<string, byte> _signedIn = new();
    private readonly ConcurrentDictionary<string, byte> _signedOut = new();
    private int _failed;

    /// <returns>A row of a table.</returns>
    public async Task<string> RunAsync(string what, Func<Task> kill)
    {
        using CancellationTokenSource over = new();
        Task[] browsers = [.. Enumerable.Range(0, Browsers).Select(number => BrowseAsync(number, over.Token))];
        await Task.Delay(BeforeAndAfter);
        int before = _signedIn.Count + _signedOut.Count;
        await kill();
        await Task.Delay(BeforeAndAfter);
        await over.CancelAsync();
        await Task.WhenAll(browsers);

        // What was acknowledged while the store was away has been handed on by then.
        await Task.Delay(TimeSpan.FromSeconds(5));
        int lost = 0;
        int back = 0;
        for (int gateway = 0; gateway < site.Gateways; gateway++)
        {
            using HttpClient client = site.Browser(gateway, cookies: null);
            lost += await CountAsync(client, _signedIn.Keys, HttpStatusCode.OK);
            back += await CountAsync(client, _signedOut.Keys, HttpStatusCode.Unauthorized);
        }

        return $"| {what} | {_signedIn.Count + _signedOut.Count} ({before} before it) | {_signedOut.Count} | {_failed} | {lost} | {back} |";
    }

    private async Task BrowseAsync(int number, CancellationToken over)
    {
        for (int turn = number; !over.IsCancellationRequested; turn++)
        {
            if (await site.SignInAsync(turn % site.Gateways) is not { } cookie)
            {
                Interlocked.Increment(ref _failed);
                await Task.Delay(20, CancellationToken.None);
                continue;
            }

            if (turn % 2 == 0)
            {
                _signedIn[cookie] = 0;
            }
            else if (await SignOutAsync((turn + 1) % site.Gateways, cookie))
            {
                _signedOut[cookie] = 0;
            }
            else
            {
                // Not acknowledged: it may be either.
                Interlocked.Increment(ref _failed);
            }
        }
    }

    private async Task<bool> SignOutAsync(int gateway, string cookie)
    {
        try
        {
            using HttpClient client = site.Browser(gateway, cookies: null);
            using HttpResponseMessage answer = await SendAsync(client, "/accounts/logout/", cookie, HttpMethod.Post);
            return answer.StatusCode == HttpStatusCode.SeeOther;
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <returns>How many are not answered so.</returns>
    private static async Task<int> CountAsync(HttpClient client, IEnumerable<string> cookies, HttpStatusCode wanted)
    {
        int others = 0;
        foreach (string cookie in cookies)
        {
            using HttpResponseMessage answer = await SendAsync(client, "/gateway/session", cookie);
            others += answer.StatusCode == wanted ? 0 : 1;
        }

        return others;
    }

    public static async Task<HttpResponseMessage> SendAsync(HttpClient client, string path, string cookie, HttpMethod? method = null)
    {
        using HttpRequestMessage request = new(method ?? HttpMethod.Get, path);
        request.Headers.Add("Cookie", cookie);
        request.Headers.Add("Accept", "application/json");
        request.Headers.Add("Sec-Fetch-Site", "same-origin");
        return await client.SendAsync(request);
    }
}
