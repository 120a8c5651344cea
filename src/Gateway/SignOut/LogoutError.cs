using System.Text.Json.Serialization;

namespace Gateway.SignOut;

/// <summary>OpenID Connect Back-Channel Logout 1.0, section 2.8, with the id under which the log tells more.</summary>
internal sealed record LogoutError(
    [property: JsonPropertyName("error")] string Error,
    [property: JsonPropertyName("error_description")] string Description,
    [property: JsonPropertyName("trace_id")] string TraceId);

[JsonSerializable(typeof(LogoutError))]
internal sealed partial class LogoutErrorJson : JsonSerializerContext;
