using Microsoft.Net.Http.Headers;

namespace Gateway.StandIns.Paperless;

/// <summary>DRF's reading of Accept: a media type that it can write, with a version that it knows.</summary>
internal static class Negotiation
{
    private static readonly string[] Written = ["application/json", "text/html"];

    /// <summary>Why the answer is 406; null when it is not.</summary>
    public static string? Problem(string? accept)
    {
        if (string.IsNullOrWhiteSpace(accept) || !MediaTypeHeaderValue.TryParseList(accept.Split(','), out IList<MediaTypeHeaderValue>? wanted))
        {
            return null;
        }

        if (wanted.FirstOrDefault(type => Written.Any(written => type.MatchesMediaType(written))) is not { } match)
        {
            return "Could not satisfy the request Accept header.";
        }

        string? version = match.Parameters.FirstOrDefault(parameter => parameter.Name == "version")?.Value.Value;
        return version is null or "9" or "10" ? null : "Invalid version in \"Accept\" header.";
    }
}
