using Gateway.Pages;
using Gateway.Paperless;

namespace Gateway.Access;

/// <summary>The refusals of requests that need Paperless while it gives no usable answer: one for each cause.</summary>
internal static class PaperlessRefusals
{
    private const int RetrySeconds = 5;

    /// <summary>A request for Paperless itself.</summary>
    public static Refusal Forwarding(PaperlessUnavailableException failure) =>
        Create(502, failure, "paperless_away", "The gateway works, but") with { ForTheOperator = ForTheOperator(failure) };

    /// <summary>A sign-in.</summary>
    /// <param name="again">The address at which the page tries again by itself.</param>
    public static Refusal SignIn(PaperlessApiException failure, string? again)
    {
        if (failure is PaperlessCredentialException wrong)
        {
            return Credential(wrong);
        }

        if (failure is not PaperlessUnavailableException unavailable)
        {
            return new Refusal(503, "paperless_refused", "Paperless refuses your account", "Paperless did not take what the gateway wrote for your account.")
            {
                Remedy = Refusal.AskTheOperator,
                RetryAfter = RetrySeconds,
                RetryAt = again,
                ForTheOperator = $"{failure.Message.TrimEnd('.')}. Correct the claim at the provider.",
            };
        }

        return Create(503, unavailable, "paperless_unavailable", "You are not signed in yet:") with
        {
            RetryAt = again,
            ForTheOperator = ForTheOperator(unavailable),
        };
    }

    private static Refusal Create(int status, PaperlessUnavailableException failure, string noAnswer, PageText before)
    {
        (string code, PageText title, PageText what) = failure.Fault switch
        {
            PaperlessFault.UnknownName => (
                "paperless_name_unknown", (PageText)"Paperless cannot be found", (PageText)"the gateway cannot find Paperless under its name."),
            PaperlessFault.NoSecureConnection => (
                "paperless_connection_insecure", "No secure connection to Paperless", "the gateway gets no secure connection to Paperless."),
            PaperlessFault.ErrorStatus => ("paperless_error", "Paperless answers with an error", "Paperless answers with an error."),
            PaperlessFault.NotPaperless => ("paperless_other", "This is not Paperless", "something else answers in place of Paperless."),
            _ => (noAnswer, "Paperless does not answer", "Paperless does not answer."),
        };
        bool mayBeStarting = failure.Fault is PaperlessFault.NoAnswer or PaperlessFault.ErrorStatus;
        return new Refusal(status, code, title, $"{before} {what}")
        {
            Remedy = mayBeStarting ? "Paperless may be starting. If this message stays, ask the person who runs it." : Refusal.AskTheOperator,
            RetryAfter = RetrySeconds,
        };
    }

    private static Refusal Credential(PaperlessCredentialException wrong)
    {
        (string code, PageText title) = wrong.Fault switch
        {
            CredentialFault.NotSuperuser => ("paperless_token_not_superuser", (PageText)"The gateway may not manage accounts"),
            CredentialFault.Missing => ("paperless_token_missing", "The gateway has no access to Paperless"),
            _ => ("paperless_token_refused", "Paperless refuses the gateway"),
        };
        return new Refusal(503, code, title, "The gateway cannot look up accounts in Paperless, so nobody can sign in at the moment.")
        {
            Remedy = Refusal.AskTheOperator,
            ForTheOperator = wrong.Message,
        };
    }

    private static string ForTheOperator(PaperlessUnavailableException failure) =>
        Refusal.Sentences(failure.Message, PaperlessFailureText.RemedyFor(failure.Fault));
}
