using System.Text.Json.Serialization;

namespace Gateway.Apps;

/// <summary>An answer in the shape of allauth's headless API.</summary>
internal sealed record HeadlessAnswer(int Status)
{
    public HeadlessData? Data { get; init; }

    public HeadlessMeta? Meta { get; init; }

    public IReadOnlyList<HeadlessError>? Errors { get; init; }
}

/// <summary>Of the configuration: <see cref="Account"/> and <see cref="Socialaccount"/>; of a sign-in: the rest.</summary>
internal sealed record HeadlessData
{
    public HeadlessAccount? Account { get; init; }

    public HeadlessProviders? Socialaccount { get; init; }

    public HeadlessUser? User { get; init; }

    public IReadOnlyList<HeadlessMethod>? Methods { get; init; }

    /// <summary>How somebody who is not signed in can go on.</summary>
    public IReadOnlyList<HeadlessFlow>? Flows { get; init; }
}

/// <summary>What allauth says of passwords and sign-ups: there are none in an app's single sign-on.</summary>
internal sealed record HeadlessAccount(
    IReadOnlyList<string> LoginMethods,
    bool IsOpenForSignup,
    bool EmailVerificationByCodeEnabled,
    bool LoginByCodeEnabled,
    bool PasswordResetByCodeEnabled);

internal sealed record HeadlessProviders(IReadOnlyList<HeadlessProvider> Providers);

/// <param name="ClientId">The client with which the app signs in at the provider.</param>
internal sealed record HeadlessProvider(string Id, string Name, IReadOnlyList<string> Flows, string ClientId, string OpenidConfigurationUrl);

internal sealed record HeadlessUser(int Id, string Display, string Username, string? Email);

/// <param name="At">In seconds since 1970.</param>
internal sealed record HeadlessMethod(string Method, long At, string Provider, string Uid);

internal sealed record HeadlessFlow(string Id)
{
    public IReadOnlyList<string>? Providers { get; init; }

    public HeadlessProvider? Provider { get; init; }

    public bool? IsPending { get; init; }
}

internal sealed record HeadlessMeta(bool IsAuthenticated)
{
    /// <summary>The device password.</summary>
    public string? AccessToken { get; init; }

    /// <summary>For logs and debuggers: leaves out the token.</summary>
    public override string ToString() => nameof(HeadlessMeta);
}

/// <param name="Param">The member of the request that is wrong; null if it is none.</param>
internal sealed record HeadlessError(string Message, string Code, string? Param);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HeadlessAnswer))]
internal sealed partial class HeadlessAnswerJson : JsonSerializerContext;
