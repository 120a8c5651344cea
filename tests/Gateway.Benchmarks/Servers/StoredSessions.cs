using Gateway.Apps;
using Gateway.Sessions;
using Gateway.Storage;

namespace Gateway.Benchmarks.Servers;

/// <summary>Sessions that a gateway finds in its store when it starts: put there by its own classes, one person each.</summary>
internal static class StoredSessions
{
    /// <summary>As long as an ID token of 12 claims and 10 groups, signed by RS256.</summary>
    private const int IdTokenLetters = 1400;

    /// <returns>The `Cookie` header of each.</returns>
    public static async Task<IReadOnlyList<string>> AddAsync(GatewayProgram gateway, int count)
    {
        await using WebApplication app = await OpenAsync(gateway);
        SessionRegistry registry = app.Services.GetRequiredService<SessionRegistry>();
        string name = app.Services.GetRequiredService<SessionCookie>().Name;
        List<string> cookies = new(count);
        for (int number = 1; number <= count; number++)
        {
            (SessionSecret secret, _) = (await registry.BeginAsync(SignIn(number), gateway.Bench.Cancel))!.Value;
            cookies.Add($"{name}={secret.ToCookieValue()}; {Provider.PaperlessCookie}");
        }

        return cookies;
    }

    /// <summary>A device password of the only person who has signed in.</summary>
    /// <returns>Its secret.</returns>
    public static async Task<string> AddDevicePasswordAsync(GatewayProgram gateway)
    {
        await using WebApplication app = await OpenAsync(gateway);
        SessionInfo info = (await app.Services.GetRequiredService<SessionList>().ListAllAsync(gateway.Bench.Cancel)).Single().Info;
        Identity person = new(info.Provider, info.Issuer, info.Subject, info.UserId, info.Username, false, null, null, Provider.Groups, "groups");
        WantedDevicePassword wanted = new("Benchmark", DeviceScope.Full, ExpiresAt: null, "wrk", "127.0.0.1");
        DevicePasswords devices = app.Services.GetRequiredService<DevicePasswords>();
        ProviderTokens tokens = new(new string('t', IdTokenLetters));
        return (await devices.MakeAsync(person, tokens, info.Subject, DateTimeOffset.UtcNow, wanted, gateway.Bench.Cancel))!.Secret;
    }

    /// <summary>The gateway's own parts over its own store, in this process; nothing of it serves.</summary>
    public static async Task<WebApplication> OpenAsync(GatewayProgram gateway)
    {
        string[] settings =
        [
            .. gateway.Environment().Select(variable => $"--{variable.Key.Replace("__", ":", StringComparison.Ordinal)}={variable.Value}"),
            "--Serilog:MinimumLevel:Override:Gateway=Error",
        ];
        WebApplication app = Program.Create(settings);
        await app.OpenStorageAsync();
        return app;
    }

    public static NewSession SignIn(int number)
    {
        string username = $"user-{number}";
        string subject = $"{number:x64}";
        Identity person = new(
            "authentik",
            "http://127.0.0.1/application/o/paperless/",
            subject,
            number,
            username,
            false,
            $"Person {number}",
            username + "@example.com",
            Provider.Groups,
            "groups");
        return new NewSession(
            person,
            new ProviderTokens(new string('t', IdTokenLetters)),
            subject,
            Sid: $"{number:x64}",
            DateTimeOffset.UtcNow,
            "Chrome on Linux",
            "127.0.0.1");
    }
}
