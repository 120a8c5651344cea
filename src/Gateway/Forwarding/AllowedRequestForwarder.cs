using Gateway.Access;
using Gateway.PasswordSessions;
using Gateway.Profile;
using Gateway.ReadAhead;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.StaticCache;
using Gateway.WebSockets;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Forwarding;

/// <summary>
/// Forwards an allowed request to Paperless in the way that it needs: as a WebSocket, with the profile completed, from the static cache, with
/// its chunked body buffered, after its credential is checked, with an answer that was asked for ahead, or directly.
/// </summary>
internal sealed class AllowedRequestForwarder(
    GatewaySettings settings,
    AccessRefusals refusals,
    PaperlessTransformers transformers,
    PaperlessForwarder forwarder,
    WebSocketForwarder webSockets,
    ChunkedBodyBuffer chunkedBodies,
    CredentialCheck credentials,
    CredentialAttempts attempts,
    StaticFileResponder staticFiles,
    AnswersAhead answersAhead,
    ProfileLinks profileLinks,
    DisconnectEndpoint disconnect)
{
    public Task ForwardSocketAsync(HttpContext context, AccessDecision access, SocketOwner owner) =>
        webSockets.ForwardAsync(context, owner, transformers.ForSocket(access));

    public Task ForwardAsync(HttpContext context, AccessDecision access) =>
        attempts.IsAttempt(context, access) ? ForwardAttemptAsync(context, access) : ForwardDecidedAsync(context, access);

    /// <summary>Forwards a request with a password, or with a token that may be wrong.</summary>
    private async Task ForwardAttemptAsync(HttpContext context, AccessDecision access)
    {
        if (await attempts.BeginAsync(context, access) is not { } attempt)
        {
            return;
        }

        try
        {
            context.Features.Set<CredentialAttempt>(attempt);
            await ForwardDecidedAsync(context, access);
        }
        finally
        {
            attempts.End(attempt);
        }
    }

    private Task ForwardDecidedAsync(HttpContext context, AccessDecision access)
    {
        HttpTransformer transformer = transformers.For(access);
        if (ProfileRequests.FindUser(context, access) is { } user)
        {
            if (ProfileRequests.IsDisconnect(context.Request))
            {
                return DisconnectAsync(context, user, transformer);
            }

            if (ProfileRequests.FindCompletion(context.Request, profileLinks) is { } completion)
            {
                transformer = new ProfileTransformer(transformer, answer => completion(answer, user));
            }
        }

        if (access == AccessDecision.Public && settings.StaticCache && StaticFileResponder.IsStaticPath(context.Request.Path))
        {
            return AnswerStaticFileAsync(context, transformer);
        }

        if (ChunkedBodyBuffer.IsChunked(context))
        {
            return ForwardChunkedAsync(context, access, transformer);
        }

        // Paperless writes a large body to its disk before it checks the credential.
        if (access == AccessDecision.WithCredential && context.Request.ContentLength > ChunkedBodyBuffer.MaxAnonymousBytes)
        {
            return ForwardVerifiedAsync(context, transformer);
        }

        return access == AccessDecision.WithIdentity
            ? ForwardWithIdentityAsync(context, context.Session()!, transformer)
            : forwarder.ForwardAsync(context, transformer);
    }

    private Task ForwardWithIdentityAsync(HttpContext context, Session session, HttpTransformer transformer)
    {
        if (answersAhead.FindPage(context.Request, session) is { } page)
        {
            return ForwardOfPageAsync(context, page, transformer);
        }

        return answersAhead.MayOpenPage(context.Request)
            ? ForwardNavigationAsync(context, session, transformer)
            : forwarder.ForwardAsync(context, transformer);
    }

    /// <summary>Forwards a request of a page that was opened a moment ago, unless its answer is there already.</summary>
    private async Task ForwardOfPageAsync(HttpContext context, OpenedPage page, HttpTransformer transformer)
    {
        int position = page.NextPosition();
        if (!await answersAhead.TryAnswerAsync(context, page, position))
        {
            await forwarder.ForwardAsync(context, transformer);
            answersAhead.Note(context, page, position);
        }
    }

    private Task ForwardNavigationAsync(HttpContext context, Session session, HttpTransformer transformer)
    {
        // Before the browser has the page, so that no request of the page comes earlier.
        context.Response.OnStarting(() =>
        {
            answersAhead.Open(context, session, transformer, forwarder.TrySendAsync);
            return Task.CompletedTask;
        });
        return forwarder.ForwardAsync(context, transformer);
    }

    private async Task DisconnectAsync(HttpContext context, SignedInUser user, HttpTransformer transformer)
    {
        if (!await disconnect.AnswerAsync(context, user, transformer))
        {
            await forwarder.ForwardAsync(context, transformer);
        }
    }

    private async Task AnswerStaticFileAsync(HttpContext context, HttpTransformer transformer)
    {
        if (!await staticFiles.TryAnswerAsync(context))
        {
            await forwarder.ForwardAsync(context, transformer);
        }
    }

    private async Task ForwardChunkedAsync(HttpContext context, AccessDecision access, HttpTransformer transformer) =>
        await ForwardIfAcceptedAsync(context, await chunkedBodies.BufferAsync(context, access), transformer);

    private async Task ForwardVerifiedAsync(HttpContext context, HttpTransformer transformer) =>
        await ForwardIfAcceptedAsync(context, await credentials.AskAsync(context), transformer);

    private async Task ForwardIfAcceptedAsync(HttpContext context, CredentialStatus status, HttpTransformer transformer)
    {
        if (status == CredentialStatus.Accepted)
        {
            await forwarder.ForwardAsync(context, transformer);
            return;
        }

        if (status == CredentialStatus.Rejected)
        {
            await attempts.NoteRejectionAsync(context);
        }

        await refusals.RefuseCredentialAsync(context, status);
    }
}
