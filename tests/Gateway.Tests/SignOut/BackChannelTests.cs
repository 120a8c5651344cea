using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.Sandbox.Paperless;
using Gateway.Sandbox.Provider;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.SignIn;
using Microsoft.Data.Sqlite;

namespace Gateway.Tests.SignOut;

/// <summary>OpenID Connect Back-Channel Logout 1.0, every check of its section 2.6 included.</summary>
public sealed class BackChannelTests : IAsyncLifetime
{
    private World _world = null!;
    private Visitor _alice = null!;

    private Uri Address => new(_world.Origin + "/accounts/oidc/authentik/logout/backchannel/");

    private ProviderSession Session => _world.Provider.Sessions.Last(session => session.Username == "alice");

    public async ValueTask InitializeAsync()
    {
        _world = await World.StartAsync();
        _alice = await _world.SignedInAsync("alice");
    }

    public async ValueTask DisposeAsync()
    {
        _alice.Dispose();
        await _world.DisposeAsync();
    }

    [Theory]
    [InlineData("logout+jwt")]
    [InlineData("JWT")]
    [InlineData("application/logout+jwt")]
    public async Task A_logout_at_the_provider_ends_the_session_its_WebSockets_and_Paperless_s_own(string type)
    {
        await _alice.FetchAsync("/api/documents/");
        using StatusSocket socket = await StatusSocket.OpenAsync(_world, _alice);
        Task<int> closed = socket.ClosedWithAsync();
        Assert.Single(_world.Paperless.Data.SessionsOf("alice"));

        using HttpResponseMessage answer = await _world.Provider.SendBackchannelLogoutAsync(Address, Session, type: type, cancellationToken: World.Ct);

        Assert.Equal((HttpStatusCode.OK, "no-store"), (answer.StatusCode, answer.Headers.CacheControl?.ToString()));
        Assert.Equal(1008, await closed);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _alice.FetchAsync("/api/documents/")).Status);
        await _world.Log.WaitForAsync("LeftSessionEnded");
        Assert.Empty(_world.Paperless.Data.SessionsOf("alice"));
        Assert.Equal(["EndedAtTheProvider"], _world.Log.Of("SessionsEnded").Select(entry => CapturedLog.Value(entry, "Cause")));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task A_sid_ends_one_session_and_a_sub_alone_all_of_the_person(bool sid, bool sub)
    {
        using Visitor elsewhere = await _world.SignedInAsync("alice");
        using Visitor bob = await _world.SignedInAsync("bob");

        using HttpResponseMessage answer = await SendAsync(claims =>
        {
            if (!sid)
            {
                claims.Remove("sid");
            }

            if (!sub)
            {
                claims.Remove("sub");
            }

            return claims;
        });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal((sid ? "alice" : null, null, "bob"), (await _alice.WhoAsync(), await elsewhere.WhoAsync(), await bob.WhoAsync()));
    }

    [Fact]
    public async Task The_sub_is_the_providers_whatever_claim_is_the_subject_here()
    {
        await using World world = await Apps.StartAsync(settings => settings["uid_field"] = "preferred_username");
        using Visitor alice = await world.SignedInAsync("alice");

        using HttpResponseMessage answer = await world.Provider.SendBackchannelLogoutAsync(
            new Uri(world.Origin + "/accounts/oidc/authentik/logout/backchannel/"),
            world.Provider.Sessions[0],
            claims =>
            {
                claims.Remove("sid");
                return claims;
            },
            cancellationToken: World.Ct);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Null(await alice.WhoAsync());
    }

    [Fact]
    public async Task The_end_outlives_a_restart_and_a_new_sign_in_works()
    {
        (await SendAsync(claims => claims)).Dispose();
        await _world.RestartGatewayAsync();
        Assert.Null(await _alice.WhoAsync());

        await _alice.SignInAsync("alice");

        Assert.Equal("alice", await _alice.WhoAsync());
    }

    [Fact]
    public async Task The_same_logout_with_another_jti_is_fine_and_the_same_token_twice_is_not()
    {
        string token = _world.Provider.CreateLogoutToken(Session);
        using HttpResponseMessage first = await PostAsync(token);
        using HttpResponseMessage another = await SendAsync(claims => claims);
        using HttpResponseMessage again = await PostAsync(token);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (first.StatusCode, another.StatusCode));
        await IsRefusedAsync(again, "sent before");
        await _world.RestartGatewayAsync();
        using HttpResponseMessage afterRestart = await PostAsync(token);
        await IsRefusedAsync(afterRestart, "sent before");
    }

    [Fact]
    public async Task A_token_for_no_session_that_is_known_is_fine()
    {
        using HttpResponseMessage answer = await SendAsync(claims =>
        {
            claims["sid"] = "another-session";
            claims["sub"] = "somebody";
            return claims;
        });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("alice", await _alice.WhoAsync());
    }

    [Theory]
    [InlineData("iss", "https://evil.example/", "issuer")]
    [InlineData("iss", null, "issuer")]
    [InlineData("aud", "another-client", "another client")]
    [InlineData("aud", null, "another client")]
    [InlineData("exp", 1_000_000_000, "not valid at this time")]
    [InlineData("exp", null, "not valid at this time")]
    [InlineData("iat", 4_000_000_000, "time of issue")]
    [InlineData("iat", null, "time of issue")]
    [InlineData("jti", null, "no jti")]
    [InlineData("jti", "", "no jti")]
    [InlineData("nonce", "n", "nonce")]
    [InlineData("nonce", "", "nonce")]
    [InlineData("events", null, "events")]
    [InlineData("events", "http://schemas.openid.net/event/backchannel-logout", "events")]
    public async Task A_token_that_is_not_all_right_is_refused_and_ends_nothing(string claim, object? value, string says)
    {
        using HttpResponseMessage answer = await SendAsync(claims =>
        {
            claims.Remove(claim);
            if (value is not null)
            {
                claims[claim] = JsonSerializer.SerializeToNode(value);
            }

            return claims;
        });

        await IsRefusedAsync(answer, says);
        Assert.Equal("alice", await _alice.WhoAsync());
    }

    [Theory]
    [InlineData("""{"http://schemas.openid.net/event/other": {}}""")]
    [InlineData("""{"http://schemas.openid.net/event/backchannel-logout": "yes"}""")]
    [InlineData("[]")]
    public async Task Another_event_is_no_logout(string events)
    {
        using HttpResponseMessage answer = await SendAsync(claims =>
        {
            claims["events"] = JsonNode.Parse(events);
            return claims;
        });

        await IsRefusedAsync(answer, "events");
    }

    [Fact]
    public async Task Neither_sid_nor_sub_is_nobody()
    {
        using HttpResponseMessage answer = await SendAsync(claims =>
        {
            claims.Remove("sid");
            claims.Remove("sub");
            return claims;
        });

        await IsRefusedAsync(answer, "neither sid nor sub");
    }

    [Theory]
    [InlineData("at+jwt")]
    [InlineData("id_token")]
    [InlineData("")]
    public async Task Another_type_of_token_is_no_logout_token(string type)
    {
        using HttpResponseMessage answer = await _world.Provider.SendBackchannelLogoutAsync(Address, Session, type: type, cancellationToken: World.Ct);

        await IsRefusedAsync(answer, "type");
    }

    [Fact]
    public async Task A_token_that_nobody_signed_is_refused()
    {
        string[] parts = _world.Provider.CreateLogoutToken(Session).Split('.');
        string none = Microsoft.IdentityModel.Tokens.Base64UrlEncoder.Encode("""{"alg":"none","typ":"logout+jwt"}""");
        foreach ((string token, string says) in new[]
        {
            ($"{none}.{parts[1]}.", "not signed"),
            ($"{parts[0]}.{parts[1]}.", "not signed"),
            ($"{parts[0]}.{parts[1]}.{new string('A', parts[2].Length)}", "signature"),
            ("nothing", "no JWT"),
            ("a.b.c", "no JWT"),
        })
        {
            using HttpResponseMessage answer = await PostAsync(token);
            await IsRefusedAsync(answer, says);
        }

        Assert.Equal("alice", await _alice.WhoAsync());
    }

    [Fact]
    public async Task An_ID_token_ends_nothing()
    {
        Page logout = await _alice.OpenAsync("/accounts/logout/", "same-origin");
        string idToken = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(logout.Location!.Query)["id_token_hint"]!;
        using Visitor again = await _world.SignedInAsync("alice");

        using HttpResponseMessage answer = await PostAsync(idToken);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("alice", await again.WhoAsync());
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded", "")]
    [InlineData("application/x-www-form-urlencoded", "logout_token=a&logout_token=b")]
    [InlineData("application/x-www-form-urlencoded", "other=a")]
    [InlineData("application/json", "{}")]
    [InlineData("text/plain", "x")]
    public async Task A_request_that_is_no_form_with_one_token_is_refused(string type, string body)
    {
        using HttpClient provider = new();
        using StringContent content = new(body, System.Text.Encoding.ASCII, type);
        using HttpResponseMessage answer = await provider.PostAsync(Address, content, World.Ct);

        await IsRefusedAsync(answer, "");
    }

    [Fact]
    public async Task A_provider_that_is_unknown_here_ends_nothing()
    {
        using HttpClient provider = new();
        using FormUrlEncodedContent form = new([new("logout_token", _world.Provider.CreateLogoutToken(Session))]);
        using HttpResponseMessage answer = await provider.PostAsync(new Uri(_world.Origin + "/accounts/oidc/other/logout/backchannel/"), form, World.Ct);

        await IsRefusedAsync(answer, "names no provider");
    }

    [Fact]
    public async Task Keys_that_rotated_are_fetched()
    {
        _world.Provider.RotateSigningKey();

        using HttpResponseMessage answer = await SendAsync(claims => claims);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Null(await _alice.WhoAsync());
    }

    [Fact]
    public async Task A_store_that_is_busy_is_no_refusal_the_provider_sends_it_again()
    {
        string token = _world.Provider.CreateLogoutToken(Session);
        await using (SqliteConnection locked = new($"Data Source={Path.Combine(_world.DataDirectory, Database.FileName)};Pooling=False"))
        {
            await locked.OpenAsync(World.Ct);
            await using SqliteTransaction transaction = locked.BeginTransaction();
            using HttpResponseMessage now = await PostAsync(token);
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "5"), (now.StatusCode, now.Headers.RetryAfter?.ToString()));
        }

        using HttpResponseMessage later = await PostAsync(token);

        Assert.Equal(HttpStatusCode.OK, later.StatusCode);
        Assert.Null(await _alice.WhoAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_logout_stops_a_sign_in_that_is_under_way(bool bySid)
    {
        using Visitor other = _world.NewVisitor();
        using Fault slow = _world.Paperless.Faults.Hold(request => request.Method == "GET" && request.RawPath.StartsWith("/api/users/", StringComparison.Ordinal));
        Task<Page> signIn = other.SignInAsync("alice");
        await slow.Arrived;
        ProviderSession session = _world.Provider.Sessions.Last(session => session.Username == "alice");

        using HttpResponseMessage answer = await _world.Provider.SendBackchannelLogoutAsync(
            Address,
            session,
            claims =>
            {
                claims.Remove(bySid ? "sub" : "sid");
                return claims;
            },
            cancellationToken: World.Ct);
        slow.Release();
        await signIn;

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Null(await other.WhoAsync());
        Assert.NotEmpty(_world.Log.Of("EndedWhileUnderWay"));
    }

    [Fact]
    public async Task A_hundred_logouts_at_once_each_answer()
    {
        using Visitor bob = await _world.SignedInAsync("bob");
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => SendAsync(claims => claims)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal((null, "bob"), (await _alice.WhoAsync(), await bob.WhoAsync()));
        Assert.Single(_world.Log.Of("SessionsEnded"), entry => CapturedLog.Value(entry, "Count") == "1");
        Array.ForEach(answers, answer => answer.Dispose());
    }

    private async Task<HttpResponseMessage> SendAsync(Func<JsonObject, JsonObject> tamper) =>
        await _world.Provider.SendBackchannelLogoutAsync(Address, Session, tamper, cancellationToken: World.Ct);

    private async Task<HttpResponseMessage> PostAsync(string token)
    {
        using HttpClient provider = new();
        using FormUrlEncodedContent form = new([new("logout_token", token)]);
        return await provider.PostAsync(Address, form, World.Ct);
    }

    private async Task IsRefusedAsync(HttpResponseMessage answer, string says)
    {
        Assert.Equal((HttpStatusCode.BadRequest, "no-store"), (answer.StatusCode, answer.Headers.CacheControl?.ToString()));
        JsonElement json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(World.Ct)).RootElement;
        Assert.Equal("invalid_request", json.GetProperty("error").GetString());
        Assert.Contains(says, json.GetProperty("error_description").GetString()!, StringComparison.Ordinal);
        string trace = json.GetProperty("trace_id").GetString()!;
        Assert.Contains(_world.Log.Of("LogoutTokenRefused"), entry => CapturedLog.Value(entry, "TraceId") == trace);
    }
}
