using Gateway.Pages;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>Notes who was refused and why, for `accounts list --refused`.</summary>
internal sealed class RefusedSignIns(IRefusedSignInStore store, TimeProvider time)
{
    private const int MaxLabelLength = 150;

    private const int MaxReasonLength = 500;

    /// <summary>A store that does not answer does not change the refusal.</summary>
    public async Task NoteAsync(PersonKey person, string label, Refusal refusal)
    {
        string reason = refusal.ForTheLog ?? refusal.ForTheOperator ?? refusal.Detail.English;
        RefusedSignIn refused = new(person, Shorten(label, MaxLabelLength), refusal.Code, Shorten(reason, MaxReasonLength), time.GetUtcNow());
        try
        {
            await store.SaveAsync(refused, CancellationToken.None);
        }
        catch (StoreUnavailableException)
        {
            // The refusal itself is in the log.
        }
    }

    private static string Shorten(string text, int length) => text.Length <= length ? text : text[..length] + "…";
}
