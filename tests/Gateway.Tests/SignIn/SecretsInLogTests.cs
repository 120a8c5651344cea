using System.Collections.Concurrent;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.Tests.SignIn;

public sealed class SecretsInLogTests
{
    [Fact]
    public async Task No_secret_token_or_cookie_is_ever_logged()
    {
        ConcurrentBag<string> secrets = [];
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_ADMIN_PASSWORD"] = null);
        secrets.Add(world.Provider.Options.ClientSecret);
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();

        // A whole life: in, around, twice, out.
        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/documents/2");
        Remember(tab.Query.Where(pair => pair.Key is "state" or "nonce").Select(pair => pair.Value.ToString()));
        Remember(tab.Begun.SetCookies.Select(ValueOf));
        string callback = await tab.AnswerAsync();
        await tab.FinishAsync(callback);
        Remember(visitor.Cookies.GetAllCookies().Select(cookie => cookie.Value));
        await tab.FinishAsync(callback);
        await visitor.FetchAsync("/api/documents/");
        Page logout = await visitor.OpenAsync("/accounts/logout/", "same-origin");
        Remember(QueryHelpers.ParseQuery(logout.Location!.Query).Where(pair => pair.Key == "id_token_hint").Select(pair => pair.Value.ToString()));

        // And every way to fail.
        foreach (Action fail in Failures(world))
        {
            fail();
            using Visitor unlucky = world.NewVisitor();
            RoundTrip failing = await RoundTrip.BeginAsync(unlucky);
            Remember(failing.Begun.SetCookies.Select(ValueOf));
            Remember(failing.Query.Where(pair => pair.Key is "state" or "nonce").Select(pair => pair.Value.ToString()));
            string answer = await failing.AnswerAsync();
            Remember(QueryHelpers.ParseQuery(answer.Split('?')[1]).Where(pair => pair.Key is "code").Select(pair => pair.Value.ToString()));
            await failing.FinishAsync(answer);
            await unlucky.NavigateAsync(RoundTrip.With(answer, "state", "garbage"), "cross-site");
            world.Provider.TamperIdToken = world.Provider.TamperUserInfo = null;
        }

        Remember(world.Provider.Received
            .SelectMany(request => request.Form.Where(field => field.Key is "code" or "client_secret" or "code_verifier").Select(field => field.Value)));
        Remember(world.Provider.Received.Where(request => request.Path.EndsWith("/userinfo/", StringComparison.Ordinal))
            .Select(request => request.Authorization!["Bearer ".Length..]));

        string log = world.Log.Text;
        Assert.True(secrets.Count > 30, $"Only {secrets.Count} secrets were seen.");
        Assert.Contains("SignedIn", log, StringComparison.Ordinal);
        Assert.Contains("provider_mistake", log, StringComparison.Ordinal);
        Assert.All(secrets.Distinct(), secret => Assert.DoesNotContain(secret, log, StringComparison.Ordinal));
        return;

        void Remember(IEnumerable<string> found)
        {
            foreach (string secret in found.Where(text => text.Length >= 16))
            {
                secrets.Add(secret);
            }
        }
    }

    private static IEnumerable<Action> Failures(World world)
    {
        yield return () => world.Provider.NextAuthorizeError = new ProviderError("server_error", "why");
        yield return () => world.Provider.NextTokenError = new ProviderError("invalid_client", "why");
        yield return () => world.Provider.NextTokenError = new ProviderError("invalid_grant", "why");
        foreach ((string claim, string value) in ((string, string)[])[("iss", "x"), ("aud", "x"), ("nonce", "x"), ("preferred_username", "a b"), ("sub", "x")])
        {
            yield return () => world.Provider.TamperIdToken = claims =>
            {
                claims[claim] = value;
                return claims;
            };
        }

        yield return () => world.Provider.TamperUserInfo = _ => throw new InvalidOperationException("broken");
        yield return () => world.Provider.Options = world.Provider.Options with { Signing = SigningMode.WrongKey };
        yield return () => world.Provider.Options = world.Provider.Options with { Signing = SigningMode.None };
    }

    private static string ValueOf(string setCookie) => setCookie.Split(';')[0].Split('=', 2)[1];
}
