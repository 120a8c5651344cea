using System.Text;
using System.Text.Json;
using Gateway.Groups;

namespace Gateway.Providers;

/// <summary>
/// A JSON object of claims, parsed strictly: only UTF-8, no duplicate names at any level (RFC 7515, section 4, and RFC 7519, section 4), no unpaired
/// surrogates. Its methods check the JSON type of each claim.
/// </summary>
internal sealed class ClaimSet
{
    /// <summary>Deeper than providers nest claims.</summary>
    private const int MaxDepth = 32;

    /// <summary>Valid times in seconds: the years 1 to 9998, so that adding a tolerance does not overflow.</summary>
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

    /// <param name="source">The source of the claims in error messages, such as "the ID token".</param>
    /// <exception cref="ProviderMistakeException">The bytes are not such an object.</exception>
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
            // JsonElement throws this at an unpaired surrogate.
            throw new ProviderMistakeException($"{source} cannot be read: a text in it is no Unicode");
        }
    }

    public bool Has(string claim) => Json.TryGetProperty(claim, out _);

    /// <summary>An optional claim that must be a text or a whole number.</summary>
    /// <returns>Null if the claim is absent or `null`.</returns>
    /// <exception cref="ProviderMistakeException">The claim has another type.</exception>
    public string? Text(string claim)
    {
        _ = Json.TryGetProperty(claim, out JsonElement value);
        return ClaimText.TryRead(value, out string? text)
            ? text
            : throw Mistake(claim, $"is neither a text nor a whole number, but {ClaimText.TypeOf(value)}");
    }

    /// <summary>A required claim that must be a text, or a whole number, and not empty.</summary>
    /// <exception cref="ProviderMistakeException">The claim is missing, empty or has another type.</exception>
    public string RequiredText(string claim) => Text(claim) is { Length: > 0 } text ? text : throw Mistake(claim, "is missing");

    /// <summary>An optional claim that is a text or a list of texts, such as `aud` (RFC 7519, section 4.1.3); empty if it is absent.</summary>
    /// <exception cref="ProviderMistakeException">The claim has another type.</exception>
    public IReadOnlyList<string> Texts(string claim)
    {
        if (!Json.TryGetProperty(claim, out JsonElement value) || value.ValueKind != JsonValueKind.Array)
        {
            return Text(claim) is { } text ? [text] : [];
        }

        return [.. value.EnumerateArray().Select(entry => ClaimText.TryRead(entry, out string? text) && text is not null
            ? text
            : throw Mistake(claim, "is neither a text nor a list of texts"))];
    }

    /// <summary>An optional claim that must be a NumericDate (RFC 7519, section 2).</summary>
    /// <returns>Null if the claim is absent or `null`.</returns>
    /// <exception cref="ProviderMistakeException">The claim is no number, or no time.</exception>
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

    /// <summary>Whether a claim is an object with this member.</summary>
    public bool HasMember(string claim, string member, out JsonElement value)
    {
        value = default;
        return Json.TryGetProperty(claim, out JsonElement outer) && outer.ValueKind == JsonValueKind.Object && outer.TryGetProperty(member, out value);
    }

    /// <summary>Reads every text and name, so that none of them throws later.</summary>
    /// <exception cref="InvalidOperationException">A text or a name is not valid Unicode.</exception>
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
