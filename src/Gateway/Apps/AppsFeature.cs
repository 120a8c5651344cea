using Gateway.Access;

namespace Gateway.Apps;

/// <summary>What apps, scanners and programs need instead of a browser's sign-in.</summary>
internal static class AppsFeature
{
    public static void AddApps(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<DevicePasswords>();
        builder.Services.AddSingleton<TokenEndpoint>();
        builder.Services.AddSingleton<AppTokenCheck>();
        builder.Services.AddSingleton<HeadlessRefusals>();
        builder.Services.AddSingleton<HeadlessConfig>();
        builder.Services.AddSingleton<HeadlessRedirect>();
        builder.Services.AddSingleton<HeadlessTokenSignIn>();
    }

    public static void MapApps(this WebApplication app)
    {
        app.MapMethods(
            HeadlessPaths.Config,
            [HttpMethods.Get, HttpMethods.Head],
            context => context.RequestServices.GetRequiredService<HeadlessConfig>().AnswerAsync(context));
        app.MapPost(HeadlessPaths.Redirect, context => context.RequestServices.GetRequiredService<HeadlessRedirect>().AnswerAsync(context));
        app.MapPost(HeadlessPaths.Token, context => context.RequestServices.GetRequiredService<HeadlessTokenSignIn>().AnswerAsync(context));
    }
}
