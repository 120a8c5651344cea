namespace Gateway.Providers;

/// <summary>
/// Whether a refreshed ID token without `sid` is a reason for doubt. OpenID Connect Core 1.0, section 12.2, does not require the claim there, so a
/// provider may leave it out for sessions that are alive. A silent authentication shows which kind of provider it is.
/// </summary>
internal sealed class RefreshedSid
{
    private volatile bool _isAbsentWithoutReason;

    public bool HasMeaning => !_isAbsentWithoutReason;

    /// <summary>A silent authentication has found the same provider session alive after a refreshed ID token without `sid`.</summary>
    public void NoteAbsentWithoutReason() => _isAbsentWithoutReason = true;
}
