using System.Net;
using System.Security.Cryptography;
using System.Text;
using Gateway.Access;
using Gateway.Accounts;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Providers;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Apps;

/// <summary>Whom a provider's access token stands for.</summary>
/// <param name="Identity">Without groups, which nothing reads here; null if the token does not count.</param>
/// <param name="Refusal">Why it does not count; null if it does.</param>
internal sealed record BearerAnswer(Identity? Identity, Refusal? Refusal);

/// <summary>
/// Finds the Paperless user of a provider's access token. The person is found as at a sign-in; a program at the provider needs a link that an operator
/// made. The answer is kept in memory under a hash of the token until the token expires, or `GATEWAY_APP_RECHECK` has passed.
/// </summary>
internal sealed partial class BearerTokens(
    AccessTokenCheck check,
    ClaimsDecision decision,
    AccountSignIn accounts,
    RefusedSignIns refusedSignIns,
    GatewaySettings settings,
    TimeProvider time,
    ILogger<SecurityLog> logger)
{
    /// <summary>A refused token is not checked again for this long.</summary>
    public static readonly TimeSpan RefusedTtl = TimeSpan.FromSeconds(5);

    /// <summary>An account that was checked so lately needs no other check before Paperless is asked for its API token.</summary>
    private static readonly TimeSpan FreshTtl = TimeSpan.FromSeconds(5);

    /// <summary>Pending checks of one client address; <see cref="MaxConcurrent"/> limits those of all.</summary>
    public const int MaxPerAddress = 8;

    public const int MaxConcurrent = 64;

    private const int MaxAccepted = 10_000;

    private const int MaxRefused = 4096;

    private const int MaxPeople = 10_000;

    private static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(40);

    private readonly Lock _lock = new();
    private readonly AnswerCache<string, AcceptedToken> _accepted = new(MaxAccepted);
    private readonly AnswerCache<string, (Refusal Refusal, DateTimeOffset Until)> _refused = new(MaxRefused);
    private readonly AnswerCache<PersonKey, (int UserId, DateTimeOffset Until)> _synced = new(MaxPeople);
    private readonly Dictionary<string, Task<BearerAnswer>> _pending = new(StringComparer.Ordinal);
    private readonly Dictionary<IPAddress, int> _pendingOfAddress = [];

    /// <summary>The person of a token that is known to be good; null if it has to be checked.</summary>
    public Identity? Find(string token)
    {
        string key = KeyOf(token);
        lock (_lock)
        {
            return FindAccepted(key);
        }
    }

    /// <summary>The token is checked before it counts again: Paperless did not accept the API token of its user.</summary>
    public void Forget(string token)
    {
        string key = KeyOf(token);
        lock (_lock)
        {
            _accepted.Remove(key);
        }
    }

    /// <summary>The answer about a token, known or found; concurrent requests with one token share one check.</summary>
    /// <param name="mustBeFresh">Whether the account must have been checked just now.</param>
    public Task<BearerAnswer> AskAsync(HttpContext context, string token, bool mustBeFresh)
    {
        string key = KeyOf(token);
        Task<BearerAnswer>? answer;
        lock (_lock)
        {
            if (mustBeFresh && _accepted.TryFind(key, out AcceptedToken? before) && time.GetUtcNow() - before.CheckedAt >= FreshTtl)
            {
                _accepted.Remove(key);
            }

            if (FindKnown(key) is { } known)
            {
                return Task.FromResult(known);
            }

            if (!_pending.TryGetValue(key, out answer))
            {
                IPAddress address = ClientAddress.From(context);
                int ofAddress = _pendingOfAddress.GetValueOrDefault(address);
                if (ofAddress >= MaxPerAddress || _pending.Count >= MaxConcurrent)
                {
                    return Task.FromResult(new BearerAnswer(null, Busy));
                }

                _pendingOfAddress[address] = ofAddress + 1;

                // Several requests may wait for this check, so the context of the first request stays out of the task.
                using AsyncFlowControl suppressed = ExecutionContext.SuppressFlow();
                answer = Task.Run(() => RunAsync(key, token, address), CancellationToken.None);
                _pending.Add(key, answer);
            }
        }

        return answer.WaitAsync(context.RequestAborted);
    }

    private static Refusal Busy => new(503, "credential_busy", "Too many requests", "The gateway is checking too many access tokens at the moment.")
    {
        Remedy = "Try again.",
        RetryAfter = 5,
    };

    private async Task<BearerAnswer> RunAsync(string key, string token, IPAddress address)
    {
        (BearerAnswer answer, DateTimeOffset until) = await FindAnswerAsync(token);
        lock (_lock)
        {
            if (answer.Identity is { } identity)
            {
                _accepted.Add(key, new AcceptedToken(identity, time.GetUtcNow(), until));
                _refused.Remove(key);
            }
            else
            {
                _refused.Add(key, (answer.Refusal!, time.GetUtcNow() + RefusedTtl));
                _accepted.Remove(key);
            }

            _pending.Remove(key);
            if (--_pendingOfAddress[address] == 0)
            {
                _pendingOfAddress.Remove(address);
            }
        }

        return answer;
    }

    /// <summary>Never throws: several requests wait for the answer.</summary>
    private async Task<(BearerAnswer Answer, DateTimeOffset Until)> FindAnswerAsync(string token)
    {
        try
        {
            using CancellationTokenSource timeout = new(CheckTimeout, time);
            AccessToken accepted = await check.CheckAsync(token, timeout.Token);
            BearerAnswer answer = await FindPersonAsync(accepted);
            DateTimeOffset recheckAt = time.GetUtcNow() + settings.Apps.Recheck;
            return (answer, accepted.ExpiresAt < recheckAt ? accepted.ExpiresAt : recheckAt);
        }
        catch (ProviderMistakeException mistake)
        {
            return (new BearerAnswer(null, Invalid(mistake.Message)), default);
        }
        catch (Exception error) when (error is ProviderUnavailableException or PaperlessApiException or StoreUnavailableException)
        {
            return (new BearerAnswer(null, NotNow(error.Message)), default);
        }
        catch (Exception error)
        {
            CheckFailed(error);
            return (new BearerAnswer(null, NotNow(error.GetType().Name)), default);
        }
    }

    private async Task<BearerAnswer> FindPersonAsync(AccessToken token)
    {
        ProviderSettings provider = token.Provider.Settings;
        string issuer = token.Claims.RequiredText("iss");
        (Person? person, Refusal? refusal) = decision.Decide(provider, issuer, token.Claims.Json, token.IssuedAt);
        if (person is null)
        {
            if (decision.Identify(provider, issuer, token.Claims.Json) is var (who, label))
            {
                await refusedSignIns.NoteAsync(who, label, refusal!);
            }

            return new BearerAnswer(null, refusal);
        }

        AccountAnswer answer = await FindAccountAsync(person, token.IsOfPerson);
        if (answer.Account is not { } account)
        {
            refusal = answer.Refusal ?? SignInOnce(person);
            await refusedSignIns.NoteAsync(person.Key, person.Label, refusal);
            return new BearerAnswer(null, refusal);
        }

        Accepted(account.Username, provider.Id, person.Subject, token.ExpiresAt);
        return new BearerAnswer(person.ToIdentity(account) with { Groups = null, GroupsSource = null }, null);
    }

    /// <summary>Groups and profile follow a person's tokens once a recheck interval; the link and the user are checked for each token.</summary>
    private async Task<AccountAnswer> FindAccountAsync(Person person, bool isOfPerson)
    {
        (int UserId, DateTimeOffset Until) synced;
        bool isSynced;
        lock (_lock)
        {
            isSynced = _synced.TryFind(person.Key, out synced) && time.GetUtcNow() < synced.Until;
        }

        if (isSynced && await accounts.RecheckAsync(person.Key, synced.UserId) is { Account: not null } same)
        {
            return same;
        }

        AccountAnswer answer = isOfPerson
            ? await accounts.SignInAsync(person, chosen: null, wantsNewAccount: false)
            : await accounts.SignInLinkedAsync(person);
        lock (_lock)
        {
            if (answer.Account is { } account)
            {
                _synced.Add(person.Key, (account.Id, time.GetUtcNow() + settings.Apps.Recheck));
            }
            else
            {
                _synced.Remove(person.Key);
            }
        }

        return answer;
    }

    private Identity? FindAccepted(string key) =>
        _accepted.TryFind(key, out AcceptedToken? accepted) && time.GetUtcNow() < accepted.Until ? accepted.Identity : null;

    private BearerAnswer? FindKnown(string key)
    {
        if (FindAccepted(key) is { } identity)
        {
            return new BearerAnswer(identity, null);
        }

        return _refused.TryFind(key, out (Refusal Refusal, DateTimeOffset Until) refused) && time.GetUtcNow() < refused.Until
            ? new BearerAnswer(null, refused.Refusal)
            : null;
    }

    private static Refusal Invalid(string reason) => new(
        401, "bearer_token_invalid", "Access token not accepted",
        "This access token does not count here: it has expired, is for another audience, or is not of a provider of this gateway.")
    {
        Remedy = "Get a new one.",
        ForTheOperator = Refusal.Sentences(reason),
    };

    private static Refusal NotNow(string reason) => new(503, "bearer_token_unchecked", "Not at the moment", "The gateway cannot check this access token.")
    {
        Remedy = "Try again in a moment.",
        RetryAfter = 5,
        ForTheOperator = Refusal.Sentences(reason),
    };

    /// <summary>Somebody who has to choose a user name, or to say whether an account is theirs. An app cannot ask.</summary>
    private Refusal SignInOnce(Person person) => new(403, "sign_in_once", "Sign in in the browser first", "You have no account in Paperless yet.")
    {
        Remedy = $"Sign in once at {settings.Public.Origin}{settings.ScriptName}/ and answer the question that you are asked there.",
        ForTheLog = $"{person.NameForLog}, has to choose an account in the browser first",
    };

    /// <param name="CheckedAt">When provider and Paperless were asked about it.</param>
    /// <param name="Until">When it has to be checked again.</param>
    private sealed record AcceptedToken(Identity Identity, DateTimeOffset CheckedAt, DateTimeOffset Until);

    private static string KeyOf(string token) => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    [LoggerMessage(
        EventId = 3070,
        EventName = "BearerTokenAccepted",
        Level = LogLevel.Information,
        Message = "{User} uses the API with an access token of {Provider} for {Subject}, which expires at {ExpiresAt:u}")]
    private partial void Accepted(string user, string provider, string subject, DateTimeOffset expiresAt);

    [LoggerMessage(
        EventId = 3071,
        EventName = "BearerCheckFailed",
        Level = LogLevel.Error,
        Message = "The check of an access token failed inside the gateway. The requests with the token are refused; the next request starts a new check")]
    private partial void CheckFailed(Exception error);
}
