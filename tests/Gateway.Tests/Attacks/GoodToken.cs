using System.Text;
using System.Text.Json.Nodes;
using Gateway.Tests.Kit;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Tests.Attacks;

/// <summary>A valid token signed by the provider, and methods that derive other tokens from it.</summary>
internal sealed record GoodToken(World World, string Text)
{
    public string[] Parts => Text.Split('.');

    public string HeaderText => Base64UrlEncoder.Decode(Parts[0]);

    public string ClaimsText => Base64UrlEncoder.Decode(Parts[1]);

    public JsonObject Header => JsonNode.Parse(HeaderText)!.AsObject();

    public JsonObject Claims => JsonNode.Parse(ClaimsText)!.AsObject();

    public long Now => World.Clock.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>Signs any header and claims with the provider's key.</summary>
    public string Sign(string header, string claims) => World.Provider.Sign(Encoding.UTF8.GetBytes(header), Encoding.UTF8.GetBytes(claims));

    /// <summary>The same with another claim; null takes it away. Signed by the provider.</summary>
    public string With(string claim, string? json) => Sign(HeaderText, Changed(Claims, claim, json));

    /// <summary>The same with several other claims.</summary>
    public string With(params (string Claim, string? Json)[] changes) =>
        Sign(HeaderText, changes.Aggregate(ClaimsText, (text, change) => Changed(JsonNode.Parse(text)!.AsObject(), change.Claim, change.Json)));

    /// <summary>The same with another header parameter; null takes it away. Signed by the provider.</summary>
    public string WithHeader(params (string Name, string? Json)[] changes) => Sign(HeaderWith(changes), ClaimsText);

    public string HeaderWith(params (string Name, string? Json)[] changes) =>
        changes.Aggregate(HeaderText, (text, change) => Changed(JsonNode.Parse(text)!.AsObject(), change.Name, change.Json));

    /// <summary>Signed with another key.</summary>
    public string Forge(string header, Func<byte[], byte[]> sign) => Forge(header, ClaimsText, sign);

    public static string Forge(string header, string claims, Func<byte[], byte[]> sign)
    {
        string text = $"{Base64UrlEncoder.Encode(header)}.{Base64UrlEncoder.Encode(claims)}";
        return $"{text}.{Base64UrlEncoder.Encode(sign(Encoding.ASCII.GetBytes(text)))}";
    }

    /// <summary>A member as its raw text: it need not be JSON.</summary>
    private static string Changed(JsonObject json, string name, string? raw)
    {
        json.Remove(name);
        string rest = json.ToJsonString();
        string separator = json.Count == 0 ? "" : ",";
        return raw is null ? rest : $"{{\"{name}\":{raw}{separator}{rest[1..]}";
    }
}

/// <summary>A change that turns a valid token into one that must be refused.</summary>
internal sealed record TokenChange(string Name, Func<GoodToken, string> Make);
