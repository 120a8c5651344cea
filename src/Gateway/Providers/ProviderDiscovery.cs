using System.Text.Json;
using Gateway.Settings;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Providers;

/// <summary>
/// The discovery document and key set of a provider (OpenID Connect Discovery 1.0). They are fetched at the first use, cached for half a day, and
/// fetched again for an unknown `kid` or a wrong signature. While the provider is unavailable the last valid document stays in use.
/// </summary>
/// <param name="earlier">The providers before this one in the settings. If one of them has the same issuer, this provider cannot be used.</param>
internal sealed partial class ProviderDiscovery(
    ProviderSettings provider,
    IReadOnlyList<ProviderDiscovery> earlier,
    HttpClient backchannel,
    TimeProvider time,
    ILogger<ProviderDiscovery> logger)
    : IConfigurationManager<OpenIdConnectConfiguration>, IDisposable
{
    public static readonly TimeSpan DocumentTtl = TimeSpan.FromHours(12);

    /// <summary>Anyone can send a token with a made-up `kid` or signature. This many fetches of the key set are allowed at once, …</summary>
    public const int MaxKeyFetches = 5;

    /// <summary>… and one more fetch after each interval.</summary>
    public static readonly TimeSpan KeyFetchInterval = TimeSpan.FromMinutes(1);

    /// <summary>Delay before the next fetch while an expired document is in use.</summary>
    private static readonly TimeSpan RetryBackoff = TimeSpan.FromMinutes(1);

    /// <summary>Negative cache: after a failure, all requests fail for this long without asking the provider.</summary>
    private static readonly TimeSpan FailureTtl = TimeSpan.FromSeconds(1);

    private const int MaxShownLength = 300;

    private readonly SemaphoreSlim _fetching = new(1, 1);
    private OpenIdConnectConfiguration? _known;
    private ProviderUnavailableException? _failure;
    private DateTimeOffset _fetchedAt = DateTimeOffset.MinValue;
    private DateTimeOffset _failedAt = DateTimeOffset.MinValue;
    private readonly TokenBucket _keyFetches = new(MaxKeyFetches, KeyFetchInterval, time);

    /// <summary>The last valid document; null if there is none yet.</summary>
    public OpenIdConnectConfiguration? Known => _known;

    /// <exception cref="ProviderUnavailableException">The provider does not answer and there is no document, or an earlier provider has the same issuer.
    /// </exception>
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

    /// <summary>Fetches the document and the key set again, because a token does not match the document <paramref name="seen"/>.</summary>
    /// <returns>The newer document; null if the limit of fetches is reached or the provider does not answer.</returns>
    public async Task<OpenIdConnectConfiguration?> FetchNewerAsync(OpenIdConnectConfiguration seen, CancellationToken cancel)
    {
        await _fetching.WaitAsync(cancel);
        try
        {
            // Another sign-in has fetched a newer document in the meantime.
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

    /// <summary>Does nothing: <see cref="IdTokenCheck"/> fetches new keys itself, so that the current sign-in succeeds.</summary>
    public void RequestRefresh()
    {
    }

    public void Dispose() => _fetching.Dispose();

    /// <summary>Two providers must not have the same issuer. Checked at each use, so that the order in which documents are read does not matter.</summary>
    private OpenIdConnectConfiguration RequireOwnIssuer(OpenIdConnectConfiguration known)
    {
        ProviderDiscovery? owner = earlier.FirstOrDefault(other => other._known is { } theirs && TenantIssuer.Overlaps(theirs.Issuer, known.Issuer, provider));
        return owner is null ? known : throw new ProviderUnavailableException(
            $"the providers {owner.Id} and {provider.Id} have the same issuer, {known.Issuer}, so only {owner.Id} is used, "
            + "which stands first in PAPERLESS_SOCIALACCOUNT_PROVIDERS. Remove one of them; two authentik applications need the issuer mode \"per "
            + "provider\" in place of \"global\"")
        {
            Fault = ProviderFault.SharedIssuer,
        };
    }

    private string Id => provider.Id;

    /// <returns>Whether a new document was fetched.</returns>
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
            // The time after the failure: requests that waited for this fetch must not each start another one.
            _failedAt = time.GetUtcNow();
            _failure = ProviderFailureText.From(error, provider.DiscoveryUrl.AbsoluteUri);
            DiscoveryFailed(provider.Id, ProviderFailureText.Describe(_failure, provider));
            if (_known is null)
            {
                throw _failure;
            }

            // The next fetch is in a minute, so that sign-ins do not wait for an unavailable provider each time.
            _fetchedAt = now - DocumentTtl + RetryBackoff;
            return false;
        }
    }

    private async Task<OpenIdConnectConfiguration> ReadAsync(CancellationToken cancel)
    {
        OpenIdConnectConfiguration configuration = OpenIdConnectConfiguration.Create(await GetAsync(provider.DiscoveryUrl, "a discovery document", cancel));
        foreach ((string name, string? value) in new[]
        {
            ("issuer", configuration.Issuer), ("authorization_endpoint", configuration.AuthorizationEndpoint),
            ("token_endpoint", configuration.TokenEndpoint), ("jwks_uri", configuration.JwksUri),
        })
        {
            if (!Uri.TryCreate(value, UriKind.Absolute, out Uri? url) || url.Scheme is not ("https" or "http"))
            {
                throw new ProviderUnavailableException($"{provider.DiscoveryUrl} answered 200, but is no discovery document: it has no {name}")
                {
                    Fault = ProviderFault.IncompleteDiscovery,
                    Remedy = "Correct server_url, or let the provider name its endpoints",
                };
            }
        }

        CheckIssuer(configuration.Issuer);
        configuration.JsonWebKeySet = JsonWebKeySet.Create(await GetAsync(new Uri(configuration.JwksUri), "a key set", cancel));
        foreach (SecurityKey key in configuration.JsonWebKeySet.GetSigningKeys())
        {
            configuration.SigningKeys.Add(key);
        }

        int keys = configuration.SigningKeys.Count + configuration.JsonWebKeySet.Keys.Count(Ed25519Signature.IsKey);
        DiscoveryRead(provider.Id, configuration.Issuer, keys);
        return configuration;
    }

    private void CheckIssuer(string issuer)
    {
        bool isTemplate = TenantIssuer.IsTemplate(issuer);
        if (!(isTemplate ? TenantIssuer.IsAllowedTemplate(provider.DiscoveryUrl, issuer) : IssuerRule.IsAllowed(provider.DiscoveryUrl, issuer)))
        {
            throw new ProviderUnavailableException(
                $"{provider.DiscoveryUrl} names the issuer {Truncate(issuer)}, but {IssuerRule.ExpectedIssuer(provider.DiscoveryUrl)} was expected. "
                + "Write the issuer itself as server_url in PAPERLESS_SOCIALACCOUNT_PROVIDERS, and make it reachable from the gateway under that name")
            {
                Fault = ProviderFault.OtherIssuer,
            };
        }

        if (isTemplate && provider.AllowedTenants.IsEmpty)
        {
            throw new ProviderUnavailableException($"{provider.DiscoveryUrl} is for the people of every tenant, and GATEWAY_ALLOWED_TENANTS is not set")
            {
                Fault = ProviderFault.NoTenants,
                Remedy = "List the ids of the tenants in GATEWAY_ALLOWED_TENANTS, or write the id of your tenant into server_url",
            };
        }
    }

    private async Task<string> GetAsync(Uri url, string expected, CancellationToken cancel)
    {
        try
        {
            using HttpResponseMessage response = await backchannel.GetWithinOriginAsync(url, cancel);
            string body = await response.Content.ReadAsStringAsync(cancel);
            return response.IsSuccessStatusCode && !body.AsSpan().TrimStart().StartsWith('<')
                ? body
                : throw ProviderFailureText.AnsweredOtherwise(url.AbsoluteUri, response, body, expected);
        }
        catch (Exception error) when (error is HttpRequestException or InvalidOperationException
            || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw ProviderFailureText.From(error, url.AbsoluteUri);
        }
    }

    private static string Truncate(string issuer) => issuer.Length <= MaxShownLength ? issuer : issuer[..MaxShownLength] + "…";

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
