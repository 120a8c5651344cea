namespace Gateway.Sessions;

/// <summary>The device password that a request sends.</summary>
/// <param name="Session">Null if there is no such device password, or nobody knows.</param>
/// <param name="StoreFailure">Why nobody knows: the store does not answer. Null otherwise.</param>
internal sealed record DeviceRequest(SessionSecret Secret, Session? Session, string? StoreFailure = null)
{
    public bool IsUploadOnly => Session?.DevicePassword?.Scope == DeviceScope.UploadOnly;

    /// <summary>For logs and debuggers: leaves out the secret.</summary>
    public override string ToString() => Session?.Key.ToString() ?? nameof(DeviceRequest);
}
