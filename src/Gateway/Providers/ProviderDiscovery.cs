using System.Text.Json;
using Gateway.Settings;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Providers;

/// <summary>
/// One provider's discovery document and key set (OpenID Connect Discovery 1.0): fetched when first needed, kept half a day,
/// the keys fetched again for an unknown `kid`. What was good stays in use while the provider is away.
/// </summary>
/// <param name="earlier">The providers before this one in the settings: an issuer that one of them has is not this one's.</param>
internal sealed partial class ProviderDiscovery(
    ProviderSettings provider,
    IReadOnlyList<ProviderDiscovery> earlier,
    HttpClient backchannel,
    TimeProvider time,
    ILogger<ProviderDiscovery> logger)
    : IConfigurationManager<OpenIdConnectConfiguration>, IDisposable
{
    public static readonly TimeSpan DocumentTtl = TimeSpan.FromHours(12);

    /// <summary>Anyone can invent a `kid`: at most this many key set fetches for unknown ones at once …</summary>
    public const int MaxKeyFetches = 5;

    /// <summary>… and one more after each interval.</summary>
    public static readonly TimeSpan KeyFetchInterval = TimeSpan.FromMinutes(1);

    /// <summary>Delay before the next fetch while a stale document is in use.</summary>
    private static readonly TimeSpan RetryBackoff = TimeSpan.FromMinutes(1);

    /// <summary>A failure answers all requests for this long.</summary>
    private static readonly TimeSpan FailureTtl = TimeSpan.FromSeconds(1);

    private const int MaxShownLength = 300;

    private readonly SemaphoreSlim _fetching = new(1, 1);
    private OpenIdConnectConfiguration? _known;
    private ProviderUnavailableException? _failure;
    private DateTimeOffset _fetchedAt = DateTimeOffset.MinValue;
    private DateTimeOffset _failedAt = DateTimeOffset.MinValue;
    private readonly TokenBucket _keyFetches = new(MaxKeyFetches, KeyFetchInterval, time);

    /// <summary>What is known now, without asking.</summary>
    public OpenIdConnectConfiguration? Known => _known;

    /// <exception cref="ProviderUnavailableException">Nothing is known and the provider does not answer; or its issuer is another provider's.</exception>
    public async Task<OpenIdConnectConfiguration> GetConfigurationAsync(CancellationToken cancel)
    {
        if (_known is { } fresh && time.GetUtcNow() - _fetchedAt < DocumentTtl)
        {
            return RequireOwnIssuer(fresh);
        }

        await _fetching.WaitAsync(cancel);
        try
        {
            if (_known is null || time.GetUtcNow() - _fetchedAt >= DocumentTtl)
            {
                await FetchAsync(cancel);
            }

            return RequireOwnIssuer(_known!);
        }
        finally
        {
            _fetching.Release();
        }
    }

    /// <summary>Fetches the document and the key set again because a token does not fit what was <paramref name="seen"/>.</summary>
    /// <returns>What is known now where that is newer; null where it was asked for too often lately, or cannot be had.</returns>
    public async Task<OpenIdConnectConfiguration?> FetchNewerAsync(OpenIdConnectConfiguration seen, CancellationToken cancel)
    {
        await _fetching.WaitAsync(cancel);
        try
        {
            // Another sign-in with a new key was first: what it fetched serves all that waited.
            if (_known != seen)
            {
                return RequireOwnIssuer(_known!);
            }

            return _keyFetches.TryTake() && await FetchAsync(cancel) ? RequireOwnIssuer(_known!) : null;
        }
        catch (ProviderUnavailableException)
        {
            return null;
        }
        finally
        {
            _fetching.Release();
        }
    }

    /// <summary>Nothing to do: <see cref="IdTokenCheck"/> fetches the keys itself, so that the sign-in under way succeeds.</summary>
    public void RequestRefresh()
    {
    }

    public void Dispose() => _fetching.Dispose();

    /// <summary>An issuer has one provider. Asked at each use: which document was read first, or last, decides nothing.</summary>
    private OpenIdConnectConfiguration RequireOwnIssuer(OpenIdConnectConfiguration known)
    {
        ProviderDiscovery? owner = earlier.FirstOrDefault(other => other._known is { } theirs && IssuerRule.IsSame(theirs.Issuer, known.Issuer));
        return owner is null ? known : throw new ProviderUnavailableException(
            $"the providers {owner.Id} and {provider.Id} have the same issuer, {known.Issuer}, so only {owner.Id} is used, "
            + "which stands first in PAPERLESS_SOCIALACCOUNT_PROVIDERS. Remove one of them; two authentik applications need the issuer mode \"per "
            + "provider\" in place of \"global\"");
    }

    private string Id => provider.Id;

    /// <returns>Whether what is known now is fresh.</returns>
    private async Task<bool> FetchAsync(CancellationToken cancel)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (_failure is not null && now - _failedAt < FailureTtl)
        {
            throw _failure;
        }

        try
        {
            _known = await ReadAsync(cancel);
            _fetchedAt = now;
            _failure = null;
            return true;
        }
        catch (Exception error) when (
            error is HttpRequestException or JsonException or ArgumentException or InvalidOperationException or ProviderUnavailableException
            || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            // From now, not from the beginning: those who waited for this answer must not each wait for another.
            _failedAt = time.GetUtcNow();
            _failure = error as ProviderUnavailableException
                ?? new ProviderUnavailableException($"{provider.DiscoveryUrl} could not be read: {Reason(error)}", error);
            DiscoveryFailed(provider.Id, _failure.Message);
            if (_known is null)
            {
                throw _failure;
            }

            // Half a day is not asked for on every sign-in while the provider is away: the next try is in a minute.
            _fetchedAt = now - DocumentTtl + RetryBackoff;
            return false;
        }
    }

    private async Task<OpenIdConnectConfiguration> ReadAsync(CancellationToken cancel)
    {
        OpenIdConnectConfiguration configuration = OpenIdConnectConfiguration.Create(await GetAsync(provider.DiscoveryUrl, cancel));
        foreach ((string name, string? value) in new[]
        {
            ("issuer", configuration.Issuer), ("authorization_endpoint", configuration.AuthorizationEndpoint),
            ("token_endpoint", configuration.TokenEndpoint), ("jwks_uri", configuration.JwksUri),
        })
        {
            if (!Uri.TryCreate(value, UriKind.Absolute, out Uri? url) || url.Scheme is not ("https" or "http"))
            {
                throw new ProviderUnavailableException($"{provider.DiscoveryUrl} is no discovery document: it has no {name}");
            }
        }

        if (!IssuerRule.IsAllowed(provider.DiscoveryUrl, configuration.Issuer))
        {
            throw new ProviderUnavailableException(
                $"{provider.DiscoveryUrl} names the issuer {Bounded(configuration.Issuer)}, but {IssuerRule.ExpectedIssuer(provider.DiscoveryUrl)} was asked: "
                + "a provider speaks for its own issuer alone. Write the issuer itself as server_url in PAPERLESS_SOCIALACCOUNT_PROVIDERS, and let the "
                + "gateway reach it under that name");
        }

        configuration.JsonWebKeySet = JsonWebKeySet.Create(await GetAsync(new Uri(configuration.JwksUri), cancel));
        foreach (SecurityKey key in configuration.JsonWebKeySet.GetSigningKeys())
        {
            configuration.SigningKeys.Add(key);
        }

        DiscoveryRead(provider.Id, configuration.Issuer, configuration.SigningKeys.Count);
        return configuration;
    }

    private async Task<string> GetAsync(Uri url, CancellationToken cancel)
    {
        using HttpResponseMessage response = await backchannel.GetAsync(url, cancel);
        return response.IsSuccessStatusCode
            ? await response.Content.ReadAsStringAsync(cancel)
            : throw new ProviderUnavailableException($"{url} answered {(int)response.StatusCode}");
    }

    private static string Bounded(string issuer) => issuer.Length <= MaxShownLength ? issuer : issuer[..MaxShownLength] + "…";

    private static string Reason(Exception error) => error is OperationCanceledException ? "it did not answer in time" : error.Message;

    [LoggerMessage(
        EventId = 3001,
        EventName = "DiscoveryRead",
        Level = LogLevel.Information,
        Message = "Discovery of {Provider}: issuer {Issuer}, {Keys} signing keys")]
    private partial void DiscoveryRead(string provider, string issuer, int keys);

    [LoggerMessage(
        EventId = 3002,
        EventName = "DiscoveryFailed",
        Level = LogLevel.Warning,
        Message = "Discovery of {Provider} failed: {Reason}. Without an earlier discovery document nobody can sign in there; the gateway retries")]
    private partial void DiscoveryFailed(string provider, string reason);
}
