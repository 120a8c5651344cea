namespace Gateway;

/// <summary>The `SourceContext` of the request log.</summary>
internal sealed class AccessLog;

/// <summary>The `SourceContext` of security events: sign-ins, refusals, ended sessions.</summary>
internal sealed class SecurityLog;
