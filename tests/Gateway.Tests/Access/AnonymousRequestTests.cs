using System.Net;
using System.Net.Http.Headers;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Access;

/// <summary>A client without a session can store almost nothing in Paperless or in the memory and on the disk of the gateway.</summary>
public sealed class AnonymousRequestTests : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.StartAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Theory]
    [InlineData("/api/auth/headless/app/v1/auth/signup")]
    [InlineData("/api/auth/headless/app/v1/auth/login")]
    [InlineData("/api/auth/login/")]
    public async Task An_invalid_token_does_not_open_the_headless_sign_in_endpoints(string path)
    {
        using Visitor visitor = _world.NewVisitor();

        Page page = await visitor.SendAsync(HttpMethod.Post, path, new StringContent("{}"), ("Authorization", "Token x"));

        Assert.True(page.Status is HttpStatusCode.Unauthorized or HttpStatusCode.NotFound, page.Status.ToString());
        Assert.Empty(_world.Forwarded);
    }

    [Theory]
    [InlineData("/accounts/admin/auth/user/")]
    [InlineData("/accounts/xadmin/")]
    [InlineData("/xadmin/auth/user/")]
    [InlineData("/api/admin/")]
    public async Task Django_admin_paths_under_another_prefix_are_404(string path)
    {
        using Visitor visitor = await _world.SignedInAsync("admin");
        using Visitor stranger = _world.NewVisitor();
        _world.Paperless.ForgetReceived();

        Assert.Equal(HttpStatusCode.NotFound, (await visitor.OpenAsync(path, "same-origin")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await stranger.OpenAsync(path)).Status);
        Assert.Empty(_world.Forwarded);
    }

    [Fact]
    public async Task A_Paperless_session_started_by_single_sign_on_does_not_count_on_the_account_pages()
    {
        using Visitor admin = await _world.SignedInAsync("admin");
        string bound = admin.Cookie("sessionid")!;
        string raw = bound[..bound.LastIndexOf('.')];
        using Visitor stranger = _world.NewVisitor();
        _world.Paperless.ForgetReceived();

        foreach (string value in new[] { raw, bound })
        {
            await stranger.SendAsync(HttpMethod.Get, "/accounts/password/reset/", null, ("Cookie", $"sessionid={value}; theme=dark"));
        }

        Assert.Equal(2, _world.Forwarded.Count);
        Assert.All(_world.Forwarded, request => Assert.StartsWith("theme=dark", request.Header("Cookie"), StringComparison.Ordinal));
        Assert.All(_world.Forwarded, request => Assert.DoesNotContain("sessionid", request.Header("Cookie"), StringComparison.Ordinal));
        Assert.All(_world.Forwarded, request => Assert.Null(request.SignedInAs));
    }

    [Fact]
    public async Task A_Paperless_session_started_on_the_account_pages_is_kept_on_the_account_pages()
    {
        using Visitor visitor = _world.NewVisitor();
        Page form = await visitor.OpenAsync("/accounts/password/reset/");
        Assert.Equal(HttpStatusCode.OK, form.Status);
        string token = visitor.Cookie("csrftoken")!;

        Page page = await visitor.SendAsync(
            HttpMethod.Post,
            "/accounts/login/",
            new FormUrlEncodedContent([new("login", "alice"), new("username", "alice"), new("password", "alice"), new("csrfmiddlewaretoken", token)]),
            ("Origin", _world.Origin));
        Assert.Equal(HttpStatusCode.Redirect, page.Status);
        string kept = visitor.Cookie("sessionid")!;
        Assert.Contains('.', kept);
        await visitor.OpenAsync("/accounts/password/reset/");

        Assert.Contains($"sessionid={kept[..kept.LastIndexOf('.')]}", _world.Forwarded[^1].Header("Cookie"), StringComparison.Ordinal);
        Assert.All(_world.Forwarded, request => Assert.Empty(request.Lines("Remote-User")));
    }

    [Theory]
    [InlineData("/static/frontend/en-US/main.js")]
    [InlineData("/share/abc")]
    [InlineData("/accounts/password/reset/")]
    public async Task An_anonymous_GET_with_a_body_is_not_forwarded(string path)
    {
        using Visitor visitor = _world.NewVisitor();

        Page sized = await visitor.SendAsync(HttpMethod.Get, path, new ByteArrayContent(new byte[100]));
        Page unsized = await visitor.SendAsync(HttpMethod.Get, path, Unsized(100));

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, sized.Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, unsized.Status);
        Assert.Empty(_world.Forwarded);
    }

    [Fact]
    public async Task An_anonymous_body_larger_than_a_form_is_not_forwarded()
    {
        using Visitor visitor = _world.NewVisitor();

        Page page = await visitor.SendAsync(HttpMethod.Post, "/accounts/login/", new ByteArrayContent(new byte[3 * 1024 * 1024]));

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, page.Status);
        Assert.Empty(_world.Forwarded);
    }

    [Fact]
    public async Task A_chunked_body_with_a_token_that_only_Paperless_can_check_is_limited_in_size()
    {
        using Visitor visitor = _world.NewVisitor();

        Page small = await visitor.SendAsync(HttpMethod.Post, "/api/documents/post_document/", Unsized(1024), ("Authorization", "Token x"));
        Page large = await visitor.SendAsync(HttpMethod.Post, "/api/documents/post_document/", Unsized(65 * 1024 * 1024), ("Authorization", "Token x"));

        Assert.Equal(HttpStatusCode.Unauthorized, small.Status);
        Assert.Equal(HttpStatusCode.Unauthorized, large.Status);
        Assert.Contains("credential_unknown", large.Text, StringComparison.Ordinal);

        // The small one itself, and then the question whether that token is one.
        Assert.Equal(["/api/documents/post_document/", "/api/profile/"], _world.Forwarded.Select(request => request.RawPath));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_world.DataDirectory, "spool")));
    }

    [Theory]
    [InlineData("/accounts/oidc/authentik/login/callback/")]
    [InlineData("/accounts/logout/")]
    public async Task The_gateways_own_endpoints_refuse_large_bodies(string path)
    {
        using Visitor visitor = _world.NewVisitor();
        ByteArrayContent form = new(new byte[64 * 1024]);
        form.Headers.ContentType = new MediaTypeHeaderValue("application/x-www-form-urlencoded");

        Page page = await visitor.SendAsync(HttpMethod.Post, path, form);

        Assert.NotEqual(HttpStatusCode.OK, page.Status);
        Assert.DoesNotContain(_world.Log.Events, entry => entry.Exception is not null);
    }

    [Fact]
    public async Task A_session_cookie_that_is_not_base64url_counts_as_no_session_without_an_error()
    {
        string broken = new('!', 43);
        using Visitor visitor = await _world.SignedInAsync("alice");
        using Visitor stranger = _world.NewVisitor();

        Page asStranger = await stranger.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", "paperless-gateway=" + broken));
        Page withTag = await visitor.FetchAsync(
            HttpMethod.Get,
            "/dashboard",
            null,
            ("Cookie", $"paperless-gateway={visitor.Cookie("paperless-gateway")}; sessionid=x.{new string('!', 22)}"));

        Assert.Equal(HttpStatusCode.Unauthorized, asStranger.Status);
        Assert.Equal(HttpStatusCode.OK, withTag.Status);
        Assert.DoesNotContain(_world.Log.Events, entry => entry.Exception is not null);
    }

    [Fact]
    public async Task A_return_address_that_is_too_long_still_leads_to_the_sign_in()
    {
        using Visitor visitor = _world.NewVisitor();

        Page page = await visitor.OpenAsync("/documents?query=" + string.Concat(Enumerable.Repeat("%C3%A4", 900)));

        Assert.Equal(HttpStatusCode.Redirect, page.Status);
        Assert.Equal(_world.Origin + "/accounts/login/", page.Location!.AbsoluteUri);
    }

    private static StreamContent Unsized(int length) => new(new UnsizedStream(length));

    /// <summary>Zeros without a known length, so that they go out chunked.</summary>
    private sealed class UnsizedStream(int length) : MemoryStream(new byte[length])
    {
        public override bool CanSeek => false;
    }
}
