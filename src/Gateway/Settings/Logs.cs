namespace Gateway.Settings;

/// <summary>The `SourceContext` of the request log.</summary>
internal sealed class AccessLog;

/// <summary>The `SourceContext` of security events: who came in, who was turned away, which sessions ended.</summary>
internal sealed class SecurityLog;
