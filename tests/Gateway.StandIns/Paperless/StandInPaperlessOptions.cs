namespace Gateway.StandIns.Paperless;

/// <summary>The settings of a stand-in Paperless; each follows the PAPERLESS_ variable of its name.</summary>
internal sealed record StandInPaperlessOptions
{
    public string Url { get; init; } = "http://127.0.0.1:0";
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Remote-User counts for the API as well, and not for pages alone.</summary>
    public bool RemoteUserApi { get; init; }

    /// <summary>PAPERLESS_ENABLE_HTTP_REMOTE_USER: off, the user header counts nowhere.</summary>
    public bool RemoteUser { get; init; } = true;

    public string UserHeader { get; init; } = "Remote-User";

    /// <summary>Django before 5.2.13 takes Remote_User for Remote-User.</summary>
    public bool UnderscoresInHeaders { get; init; }

    /// <summary>PAPERLESS_PROXY_SSL_HEADER, with the header's own name; null: every link is http.</summary>
    public (string Name, string Value)? ProxySslHeader { get; init; }

    /// <summary>The server refuses a WebSocket's handshake with a byte outside ASCII in a header.</summary>
    public bool StrictSocketHeaders { get; init; }

    /// <summary>PAPERLESS_CORS_ALLOWED_HOSTS.</summary>
    public IReadOnlyList<string> CorsOrigins { get; init; } = ["http://localhost:8000"];

    public string CookiePrefix { get; init; } = "";
    public string? PublicUrl { get; init; }
    public string ScriptName { get; init; } = "";
    public bool RedirectLoginToSso { get; init; }
    public bool AccountAllowSignups { get; init; }
    public IReadOnlyList<SocialProvider> SocialProviders { get; init; } = [];

    /// <summary>No users, no groups, no documents: the first to sign up becomes superuser.</summary>
    public bool Fresh { get; init; }

    /// <summary>Lists hold everything, whatever was asked for: as with a filter that this version of Paperless does not know.</summary>
    public bool IgnoresFilters { get; init; }

    /// <summary>The front page asks for all of <see cref="AppAssets"/>, as many files as Paperless's own.</summary>
    public bool WithAssets { get; init; }

    /// <summary>
    /// The front page and what it asks for have the sizes of <see cref="ProductionInterface"/>, and one worker is busy with each answer for as long
    /// as Python was.
    /// </summary>
    public bool WithProductionInterface { get; init; }

    /// <summary>The title and the logo in its configuration.</summary>
    public string? AppTitle { get; init; }

    public string? AppLogo { get; init; }

    /// <summary>How long a static file may be kept.</summary>
    public TimeSpan StaticMaxAge { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Starts with ordinary users alice and bob, who can open the page and read and add documents.</summary>
    public bool WithPeople { get; init; }
}

/// <summary>A provider of Paperless's own sign-in, as PAPERLESS_SOCIALACCOUNT_PROVIDERS lists it.</summary>
internal sealed record SocialProvider(string Id, string Name)
{
    public string LoginPath => $"accounts/oidc/{Id}/login/";
}
