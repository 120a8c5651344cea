using System.Text;
using System.Text.Json;

namespace Gateway.Providers;

/// <summary>
/// One JSON object that a provider signed or answered, read strictly: UTF-8 alone, each name once at every level (RFC 7515, section 4, and
/// RFC 7519, section 4), no text with half a character. The one place that says which JSON type a claim must have.
/// </summary>
internal sealed class ClaimSet
{
    /// <summary>Deeper than any provider nests its claims.</summary>
    private const int MaxDepth = 32;

    /// <summary>The times that are taken, in seconds: the years 1 to 9998, so that any tolerance can be added.</summary>
    private const double FirstSecond = -62_135_596_800;

    private const double LastSecond = 253_370_764_800;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = MaxDepth };
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string _source;

    private ClaimSet(string source, JsonElement json)
    {
        _source = source;
        Json = json;
    }

    public JsonElement Json { get; }

    /// <param name="source">Whose claims these are, for the words of a failure: "the ID token".</param>
    /// <exception cref="ProviderMistakeException">It is no such object.</exception>
    public static ClaimSet Parse(ReadOnlySpan<byte> utf8, string source)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(Utf8.GetString(utf8), Strict);
            CheckTexts(document.RootElement);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new ClaimSet(source, document.RootElement.Clone())
                : throw new ProviderMistakeException($"{source} holds no JSON object");
        }
        catch (DecoderFallbackException)
        {
            throw new ProviderMistakeException($"{source} cannot be read: it is not in UTF-8");
        }
        catch (JsonException)
        {
            throw new ProviderMistakeException($"{source} cannot be read: it is no JSON, is nested too deeply, or has a name twice");
        }
        catch (InvalidOperationException)
        {
            // JsonElement's word for a surrogate without its other half.
            throw new ProviderMistakeException($"{source} cannot be read: a text in it is no Unicode");
        }
    }

    public bool Has(string claim) => Json.TryGetProperty(claim, out _);

    /// <summary>A claim that must be a text where it is there.</summary>
    /// <returns>Null where it is absent; a provider that writes `null` says nothing either.</returns>
    /// <exception cref="ProviderMistakeException">It is of another type.</exception>
    public string? Text(string claim)
    {
        if (!Json.TryGetProperty(claim, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw Mistake(claim, "is no text");
    }

    /// <summary>A claim that must be there, as a text that is not empty.</summary>
    /// <exception cref="ProviderMistakeException">It is not.</exception>
    public string RequiredText(string claim) => Text(claim) is { Length: > 0 } text ? text : throw Mistake(claim, "is missing");

    /// <summary>A claim that is one text or a list of texts, as `aud` is (RFC 7519, section 4.1.3); empty where it is absent.</summary>
    /// <exception cref="ProviderMistakeException">It is of another type.</exception>
    public IReadOnlyList<string> Texts(string claim)
    {
        if (!Json.TryGetProperty(claim, out JsonElement value) || value.ValueKind is JsonValueKind.Null or JsonValueKind.String)
        {
            return Text(claim) is { } text ? [text] : [];
        }

        return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(entry => entry.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(entry => entry.GetString()!)]
            : throw Mistake(claim, "is neither a text nor a list of texts");
    }

    /// <summary>A NumericDate (RFC 7519, section 2).</summary>
    /// <returns>Null where the claim is absent or `null`.</returns>
    /// <exception cref="ProviderMistakeException">It is no number, or no time.</exception>
    public DateTimeOffset? Time(string claim)
    {
        if (!Json.TryGetProperty(claim, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double seconds) && seconds is >= FirstSecond and <= LastSecond
            ? DateTimeOffset.UnixEpoch.AddSeconds(seconds)
            : throw Mistake(claim, "is no time in seconds");
    }

    /// <summary>Whether a claim is an object that has this member.</summary>
    public bool HasMember(string claim, string member, out JsonElement value)
    {
        value = default;
        return Json.TryGetProperty(claim, out JsonElement outer) && outer.ValueKind == JsonValueKind.Object && outer.TryGetProperty(member, out value);
    }

    /// <exception cref="InvalidOperationException">A text or a name is no Unicode.</exception>
    private static void CheckTexts(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                _ = value.GetString();
                break;
            case JsonValueKind.Array:
                foreach (JsonElement entry in value.EnumerateArray())
                {
                    CheckTexts(entry);
                }

                break;
            case JsonValueKind.Object:
                foreach (JsonProperty member in value.EnumerateObject())
                {
                    _ = member.Name;
                    CheckTexts(member.Value);
                }

                break;
        }
    }

    private ProviderMistakeException Mistake(string claim, string error) => new($"{_source}'s \"{claim}\" {error}");
}
