using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider.Endpoints;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Gateway.StandIns.Provider;

/// <summary>An identity provider shaped like authentik, for development and tests: one application, on loopback, nothing stored.</summary>
internal sealed class DevelopmentProvider : IAsyncDisposable
{
    private WebApplication? _host;
    private ProviderError? _nextAuthorizeError;
    private ProviderError? _nextTokenError;
    private ProviderError? _nextPushError;

    private DevelopmentProvider(DevelopmentProviderOptions options)
    {
        Options = options;
        Keys = new SigningKeys(this);
        Claims = new TokenClaims(this);
        Log = new RequestLog(this);
        Logout = new ProviderLogout(this);
        ActiveSessions = new ProviderSessions(this);
        ClientAssertions = new ClientAssertions(this);
    }

    /// <summary>May be replaced at any time: <c>provider.Options = provider.Options with { … }</c>.</summary>
    public DevelopmentProviderOptions Options { get; set; }

    public Uri Address { get; private set; } = new("about:blank");

    /// <summary>The issuer as seen through <see cref="Address"/>; like every URL of the provider it follows the request's host.</summary>
    public Uri Issuer => new(IssuerAt(Address));

    public Uri DiscoveryUrl => new(Address, $"application/o/{Options.Slug}/.well-known/openid-configuration");

    public IReadOnlyList<ProviderRequest> Received => Log.Received;

    /// <summary>Sign-ins that are alive, oldest first.</summary>
    public IReadOnlyList<ProviderSession> Sessions => ActiveSessions.List();

    /// <summary>Set: the sign-in page signs everybody in as this person at once, so that a client only has to follow redirects.</summary>
    public string? SignsInAs { get; set; }

    /// <summary>The next authorization is redirected back with this error.</summary>
    public ProviderError? NextAuthorizeError { set => _nextAuthorizeError = value; }

    /// <summary>The next token request is answered with this error; its code or refresh token stays good.</summary>
    public ProviderError? NextTokenError { set => _nextTokenError = value; }

    /// <summary>The next pushed authorization request is answered with this error.</summary>
    public ProviderError? NextPushError { set => _nextPushError = value; }

    public Outage Outage { get; set; }

    /// <summary>Awaited before a request of this path is answered, but after it was written down.</summary>
    public Func<string, Task>? Hold { get; set; }

    public Func<JsonObject, JsonObject>? TamperDiscovery { get; set; }

    public Func<JsonObject, JsonObject>? TamperIdToken { get; set; }

    public Func<JsonObject, JsonObject>? TamperAccessToken { get; set; }

    public Func<JsonObject, JsonObject>? TamperUserInfo { get; set; }

    public Func<JsonObject, JsonObject>? TamperGraph { get; set; }

    /// <summary>The last word on an ID token, after it was signed.</summary>
    public Func<string, string>? RewriteIdToken { get; set; }

    /// <summary>The last word on userinfo that is a JWT, after it was signed.</summary>
    public Func<string, string>? RewriteUserInfo { get; set; }

    internal SigningKeys Keys { get; }

    internal TokenClaims Claims { get; }

    internal RequestLog Log { get; }

    internal ProviderLogout Logout { get; }

    internal ProviderSessions ActiveSessions { get; }

    internal IssuedTokens Tokens { get; } = new();

    internal ClientAssertions ClientAssertions { get; }

    internal PushedRequestStore PushedRequests { get; } = new();

    public static async Task<DevelopmentProvider> StartAsync(
        DevelopmentProviderOptions options, CancellationToken cancellationToken = default)
    {
        DevelopmentProvider provider = new DevelopmentProvider(options);
        WebApplication host = provider._host = provider.BuildHost(new Uri(options.Url));
        await host.StartAsync(cancellationToken);
        IServerAddressesFeature? addresses = host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>();
        provider.Address = new Uri(addresses!.Addresses.Single());
        return provider;
    }

    public void ClearReceived() => Log.Clear();

    /// <summary>A new key under a new identifier; the old one is gone from the key set.</summary>
    public void RotateSigningKey() => Keys.Rotate();

    public Person? Find(string? username) => Options.People.FirstOrDefault(person => person.Username == username);

    public Person? FindBySubject(string subject) => Options.People.FirstOrDefault(person => person.Subject == subject);

    /// <summary>Puts this person in the place of the one with the same subject, or adds them.</summary>
    public void Change(Person person) =>
        Options = Options with { People = [.. Options.People.Where(other => other.Subject != person.Subject), person] };

    /// <summary>Ends every session of a person (null: of everybody), as an administrator would.</summary>
    public async Task EndSessionsAsync(string? username = null, CancellationToken cancellationToken = default)
    {
        foreach (ProviderSession? session in Sessions.Where(session => username is null || session.Username == username))
        {
            await Logout.EndAsync(session, cancellationToken);
        }
    }

    /// <summary>Deactivates a person: sessions end, and refresh tokens die too.</summary>
    public async Task DeactivateAsync(string username, CancellationToken cancellationToken = default)
    {
        Person person = Find(username) ?? throw new ArgumentException($"There is no person {username}.", nameof(username));
        Change(person with { IsActive = false });
        await EndSessionsAsync(username, cancellationToken);
        Tokens.DeleteAll(person.Subject);
    }

    /// <summary>A signed logout token. Before authentik 2025.12.2 its <paramref name="type"/> was <c>JWT</c>.</summary>
    public string CreateLogoutToken(
        ProviderSession session, Func<JsonObject, JsonObject>? tamper = null, string type = "logout+jwt") =>
        Logout.CreateToken(session, Issuer.AbsoluteUri, tamper, type);

    /// <summary>Signs a header and a payload as they are, whatever they say, with the provider's own key.</summary>
    public string Sign(byte[] header, byte[] payload) => Keys.SignExactly(header, payload);

    public Task<HttpResponseMessage> SendBackchannelLogoutAsync(
        Uri logoutUri,
        ProviderSession session,
        Func<JsonObject, JsonObject>? tamper = null,
        string type = "logout+jwt",
        CancellationToken cancellationToken = default) =>
        ProviderLogout.SendAsync(logoutUri, CreateLogoutToken(session, tamper, type), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }

        Keys.Dispose();
    }

    internal string IssuerAt(Uri baseUri, string clientId) => clientId == Options.AppClientId && Options.AppSlug is { } slug
        ? new Uri(baseUri, $"/application/o/{slug}/").AbsoluteUri
        : IssuerAt(baseUri);

    internal string IssuerAt(Uri baseUri) =>
        new Uri(baseUri, Options.GlobalIssuer ? "/" : $"/application/o/{Options.Tenant ?? Options.Slug}/").AbsoluteUri;

    internal ProviderError? TakeAuthorizeError() => Interlocked.Exchange(ref _nextAuthorizeError, null);

    internal ProviderError? TakeTokenError() => Interlocked.Exchange(ref _nextTokenError, null);

    internal ProviderError? TakePushError() => Interlocked.Exchange(ref _nextPushError, null);

    private WebApplication BuildHost(Uri url)
    {
        // An identity provider without passwords must never be reachable from elsewhere.
        if (!url.IsLoopback || url.Scheme != Uri.UriSchemeHttp)
        {
            throw new ArgumentException($"The development provider speaks plain HTTP on loopback only, not {url}.");
        }

        // The empty builder reads neither the environment nor files, and logs nothing.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, url.Port);
        });
        builder.Services.AddRouting().AddAuthorization().AddRazorComponents();
        ProtocolEngine.Add(builder.Services, this);

        WebApplication app = builder.Build();
        app.Use((http, next) => Log.InvokeAsync(http, next));
        app.Use(PushedAuthorizationEndpoint.ResolveAsync);
        app.UseRouting();
        app.UseAuthentication();
        AuthorizeEndpoint.Map(app);
        SignInEndpoint.Map(app);
        PushedAuthorizationEndpoint.Map(app);
        TokenEndpoint.Map(app);
        UserInfoEndpoint.Map(app);
        GraphEndpoint.Map(app);
        EndSessionEndpoint.Map(app, Options.Slug);
        return app;
    }
}
