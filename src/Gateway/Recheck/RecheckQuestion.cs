using System.Net;
using System.Text.Json;
using Gateway.Groups;
using Gateway.Providers;
using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Recheck;

/// <summary>A provider's answer about an open session.</summary>
internal abstract record RecheckAnswer
{
    /// <summary>All is well; these are the claims, and the time of which they are.</summary>
    internal sealed record Confirmed(JsonElement Claims, DateTimeOffset AssertedAt, ProviderTokens? Tokens = null) : RecheckAnswer
    {
        /// <summary>Whether the refreshed ID token names no provider session (`sid`), although the one before did.</summary>
        public bool LacksSid { get; init; }
    }

    /// <summary>The session is to end.</summary>
    internal sealed record Denied(string Reason) : RecheckAnswer;

    /// <summary>Neither; it is asked again soon.</summary>
    internal sealed record NoAnswer(string Reason) : RecheckAnswer;

    /// <summary>
    /// The provider does not refresh the tokens, which may say nothing about the person; the browser can ask. The record says it already.
    /// </summary>
    internal sealed record Refused(string Error) : RecheckAnswer;

    /// <summary>There is nothing left to ask with; the browser can ask.</summary>
    internal sealed record RoundTrip : RecheckAnswer;
}

/// <summary>
/// Asks a provider about a session: with the refresh token (OpenID Connect Core 1.0, section 12), else at userinfo while the access token
/// is good. What has simply expired is not a no.
/// </summary>
internal sealed class RecheckQuestion(ProviderRegistry providers, IdentitySettings settings, TimeProvider time)
{
    /// <summary>Refusals of a refresh that another way must confirm. authentik answers `invalid_grant` where the client lacks the grant type.</summary>
    private static readonly string[] UnconfirmedErrors =
    [
        "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "interaction_required", "consent_required", "login_required",
        "access_denied", "account_selection_required",
    ];

    /// <param name="askedAt">Now, at the latest: what the provider says after it is newer.</param>
    /// <param name="store">Changes the stored record: a refresh token counts once, and neither its successor nor its refusal must be lost.</param>
    /// <exception cref="Storage.StoreUnavailableException">The record could not be changed.</exception>
    public async Task<RecheckAnswer> AskAsync(
        SessionRecord record,
        DateTimeOffset askedAt,
        Func<Func<SessionRecord, SessionRecord>, Task> store,
        CancellationToken cancellationToken)
    {
        if (providers.Find(record.Identity.Provider) is not { } provider)
        {
            return new RecheckAnswer.Denied("the gateway is no longer set up for that provider");
        }

        try
        {
            OpenIdConnectConfiguration configuration = await provider.Discovery.GetConfigurationAsync(cancellationToken);
            ProviderTokens tokens = record.Tokens with { IdTokenAt = record.Tokens.IdTokenAt ?? record.SignedInAt };
            if (IdTokenClaims.From(tokens) is not { } idToken)
            {
                return new RecheckAnswer.RoundTrip();
            }

            if (tokens.RefreshToken is not null)
            {
                RecheckAnswer? answer = await RefreshAsync(provider, configuration, tokens, idToken, askedAt, store, cancellationToken);
                if (answer is RecheckAnswer.Refused refused)
                {
                    return await ConfirmRefusalAsync(refused, provider, configuration, tokens, idToken, askedAt, cancellationToken);
                }

                if (answer is not null)
                {
                    return answer;
                }

                tokens = tokens with { RefreshToken = null };
            }

            return ValidAccessToken(tokens, configuration) is { } accessToken
                ? await AskUserInfoAsync(provider, configuration, accessToken, idToken, askedAt, cancellationToken)
                : new RecheckAnswer.RoundTrip();
        }
        catch (Exception error) when (ProviderFailureText.IsFailure(error, cancellationToken))
        {
            return new RecheckAnswer.NoAnswer(ProviderFailureText.Describe(error, provider.Settings));
        }
    }

    private string? ValidAccessToken(ProviderTokens tokens, OpenIdConnectConfiguration configuration) =>
        tokens.AccessTokenUntil > time.GetUtcNow() && !string.IsNullOrEmpty(configuration.UserInfoEndpoint) ? tokens.AccessToken : null;

    /// <summary>Userinfo can confirm a refusal. It cannot revoke one: some access tokens stay valid after the person has lost access.</summary>
    private async Task<RecheckAnswer> ConfirmRefusalAsync(
        RecheckAnswer.Refused refused,
        Provider provider,
        OpenIdConnectConfiguration configuration,
        ProviderTokens tokens,
        IdTokenClaims idToken,
        DateTimeOffset askedAt,
        CancellationToken cancellationToken)
    {
        if (ValidAccessToken(tokens, configuration) is not { } accessToken)
        {
            return refused;
        }

        try
        {
            RecheckAnswer answer = await AskUserInfoAsync(provider, configuration, accessToken, idToken, askedAt, cancellationToken);
            return answer is RecheckAnswer.Denied denied
                ? new RecheckAnswer.Denied($"it answered {refused.Error} to the refresh, and {denied.Reason}")
                : refused;
        }
        catch (Exception error) when (ProviderFailureText.IsFailure(error, cancellationToken))
        {
            return refused;
        }
    }

    /// <returns>Null where the refresh token is good for nothing, which says nothing about the person.</returns>
    private async Task<RecheckAnswer?> RefreshAsync(
        Provider provider,
        OpenIdConnectConfiguration configuration,
        ProviderTokens tokens,
        IdTokenClaims idToken,
        DateTimeOffset askedAt,
        Func<Func<SessionRecord, SessionRecord>, Task> store,
        CancellationToken cancellationToken)
    {
        // Mark the refresh token "in doubt" before using it. If the process dies before the successor is stored, a later
        // invalid_grant must not end the session.
        if (!tokens.RefreshInDoubt)
        {
            await StoreAsync(tokens with { RefreshInDoubt = true });
        }

        OpenIdConnectMessage answer;
        try
        {
            // Without `scope`: it stays what was granted.
            OpenIdConnectMessage question = new() { GrantType = "refresh_token", RefreshToken = tokens.RefreshToken };
            answer = await provider.TokenEndpoint.RedeemAsync(question, configuration, cancellationToken);
        }
        catch (ProviderRefusedException refused) when (UnconfirmedErrors.Contains(refused.Error))
        {
            ProviderTokens dropped = tokens with { RefreshToken = null, RefreshInDoubt = false };

            // A token in doubt may have been used by a request whose answer was lost: userinfo can confirm the person then.
            if (refused.Error == "invalid_grant" && tokens.RefreshInDoubt && ValidAccessToken(tokens, configuration) is not null)
            {
                await StoreAsync(dropped);
                return null;
            }

            await store(now => now with { Tokens = dropped, RefusedAt = now.RefusedAt ?? askedAt });
            return new RecheckAnswer.Refused(refused.Error);
        }
        catch (ProviderRefusedException refused)
        {
            // The token was not taken, so it is as good as before.
            await StoreAsync(tokens);
            return new RecheckAnswer.NoAnswer($"it answered {ProviderFailureText.ErrorCode(refused.Error)}");
        }

        provider.RefreshTokenWarning.NoteAccepted();
        ProviderTokens kept = TokenEndpoint.ToStoredTokens(answer, tokens, askedAt, time.GetUtcNow());
        if (string.IsNullOrEmpty(answer.IdToken))
        {
            await StoreAsync(kept);
            return await CompleteAsync(provider, configuration, kept, idToken, askedAt, cancellationToken);
        }

        // The successor is stored before the ID token is checked: the old refresh token is used up.
        await StoreAsync(kept with { IdToken = tokens.IdToken, IdTokenAt = tokens.IdTokenAt });
        ClaimSet claims = (await provider.IdTokens.CheckAsync(answer.IdToken, cancellationToken)).Claims;
        if (claims.RequiredText("sub") != idToken.Subject)
        {
            return new RecheckAnswer.Denied("its refreshed ID token is about another person");
        }

        RecheckAnswer completed = await CompleteAsync(provider, configuration, kept, new IdTokenClaims(claims, askedAt), askedAt, cancellationToken);
        if (completed is not RecheckAnswer.Confirmed confirmed)
        {
            return completed;
        }

        // authentik goes on refreshing after its session has ended, but then names none.
        bool lacksSid = idToken.Claims.Text("sid") is not null && claims.Text("sid") is null && provider.RefreshedSid.HasMeaning;
        return confirmed with { Tokens = kept, LacksSid = lacksSid };

        Task StoreAsync(ProviderTokens changed) => store(now => now with { Tokens = changed });
    }

    /// <summary>As at the sign-in: userinfo is asked unless `fetch_userinfo` says otherwise.</summary>
    private Task<RecheckAnswer> CompleteAsync(
        Provider provider,
        OpenIdConnectConfiguration configuration,
        ProviderTokens tokens,
        IdTokenClaims idToken,
        DateTimeOffset askedAt,
        CancellationToken cancellationToken) =>
        provider.Settings.FetchUserInfo && tokens.AccessToken is { } accessToken && !string.IsNullOrEmpty(configuration.UserInfoEndpoint)
            ? AskUserInfoAsync(provider, configuration, accessToken, idToken, askedAt, cancellationToken)
            : ConfirmAsync(provider, configuration, idToken.Claims.Json, tokens.AccessToken, idToken.AssertedAt, cancellationToken);

    private static async Task<RecheckAnswer> ConfirmAsync(
        Provider provider,
        OpenIdConnectConfiguration configuration,
        JsonElement claims,
        string? accessToken,
        DateTimeOffset assertedAt,
        CancellationToken cancellationToken) =>
        new RecheckAnswer.Confirmed(await provider.Graph.AddGroupsAsync(configuration, claims, accessToken, cancellationToken), assertedAt);

    /// <param name="accessToken">One that has not expired: where it is not taken, it was taken away.</param>
    private async Task<RecheckAnswer> AskUserInfoAsync(
        Provider provider,
        OpenIdConnectConfiguration configuration,
        string accessToken,
        IdTokenClaims idToken,
        DateTimeOffset askedAt,
        CancellationToken cancellationToken)
    {
        UserInfoAnswer answer = await provider.UserInfo.AskAsync(configuration, accessToken, cancellationToken);
        switch (answer.Status)
        {
            case HttpStatusCode.Unauthorized:
                return new RecheckAnswer.Denied("it no longer accepts the access token");

            case HttpStatusCode.OK:
                break;

            // It may not ask there; that says nothing about the person.
            case HttpStatusCode.Forbidden or HttpStatusCode.NotFound:
                return new RecheckAnswer.RoundTrip();

            default:
                Exception failure = ProviderFailureText.UserInfoAnswered(configuration.UserInfoEndpoint, answer.Status, accessToken);
                return new RecheckAnswer.NoAnswer(ProviderFailureText.Describe(failure, provider.Settings));
        }

        ClaimSet claims = answer.Claims!;
        if (claims.Text("sub") != idToken.Subject)
        {
            return new RecheckAnswer.Denied("its userinfo is about another person");
        }

        if (!provider.Settings.FetchUserInfo)
        {
            return await ConfirmAsync(provider, configuration, idToken.Claims.Json, accessToken, idToken.AssertedAt, cancellationToken);
        }

        // A groups claim of the ID token alone is of its time: a later sign-in may have taken the groups away.
        bool groupsAreOlder = GroupClaims.FindReadable(idToken.Claims.Json, settings.GroupsClaim)
            .Except(GroupClaims.FindReadable(claims.Json, settings.GroupsClaim))
            .Any();
        JsonElement merged = ProviderClaims.Merge(idToken.Claims.Json, claims.Json, idTokenIsOlder: idToken.AssertedAt < askedAt);
        return await ConfirmAsync(provider, configuration, merged, accessToken, groupsAreOlder ? idToken.AssertedAt : askedAt, cancellationToken);
    }

    /// <summary>What an ID token says, and when the provider was asked for it.</summary>
    private sealed record IdTokenClaims(ClaimSet Claims, DateTimeOffset AssertedAt)
    {
        public string Subject { get; } = Claims.RequiredText("sub");

        /// <returns>Null where it cannot be read: an earlier version of the gateway took more than this one does.</returns>
        public static IdTokenClaims? From(ProviderTokens tokens)
        {
            try
            {
                return new IdTokenClaims(SignedToken.Parse(tokens.IdToken, TokenKind.IdToken).Claims, tokens.IdTokenAt!.Value);
            }
            catch (ProviderMistakeException)
            {
                return null;
            }
        }
    }
}
