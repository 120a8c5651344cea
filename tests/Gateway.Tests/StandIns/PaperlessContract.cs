using System.Net;
using static Gateway.Tests.StandIns.PaperlessClient;

namespace Gateway.Tests.StandIns;

/// <summary>The behaviour of Paperless: the stand-in must have it, and it can be checked against a real Paperless.</summary>
/// <remarks>A contract test uses HTTP only and changes only users and groups that it created.</remarks>
public abstract class PaperlessContract(Installation installation) : IAsyncLifetime
{
    protected const string Login = "/accounts/login/";

    private protected const string GenerateToken = "/api/profile/generate_auth_token/";

    private PaperlessUnderTest? _paperless;

    private protected PaperlessUnderTest Paperless => _paperless!;

    private protected PaperlessClient Client => Paperless.Client;

    private protected (string Name, string Value) Admin => Paperless.Admin;

    public async ValueTask InitializeAsync() => _paperless = await PaperlessUnderTest.StartAsync(installation);

    public async ValueTask DisposeAsync()
    {
        if (_paperless is not null)
        {
            await _paperless.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>The email address of who is signed in; null where the API refuses the request.</summary>
    private protected async Task<string?> WhoAsync(params (string Name, string Value)[] headers)
    {
        using HttpResponseMessage response = await Client.GetAsync("/api/profile/", headers);
        if (response.StatusCode == Paperless.Refused)
        {
            return null;
        }

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return (await JsonAsync(response)).GetProperty("email").GetString();
    }
}
