using Gateway.Access;
using Gateway.Pages;
using Gateway.Settings;
using Gateway.SignIn;

namespace Gateway.Apps;

/// <summary>What apps, scanners and programs need instead of a browser's sign-in.</summary>
internal static class AppsFeature
{
    public static void AddApps(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<DevicePasswords>();
        builder.Services.AddSingleton<TokenEndpoint>();
        builder.Services.AddSingleton<BearerTokens>();
        builder.Services.AddSingleton<AppTokenCheck>();
        builder.Services.AddSingleton<HeadlessRefusals>();
        builder.Services.AddSingleton<HeadlessConfig>();
        builder.Services.AddSingleton<HeadlessRedirect>();
        builder.Services.AddSingleton<HeadlessTokenSignIn>();
        builder.Services.AddSingleton<DevicePasswordFlow>();
        builder.Services.AddSingleton<IDevicePasswordFlow>(services => services.GetRequiredService<DevicePasswordFlow>());
        builder.Services.AddSingleton<MyDevicePasswordsEndpoint>();
    }

    public static void MapApps(this WebApplication app, GatewaySettings settings)
    {
        if (!settings.Apps.IsOn)
        {
            return;
        }

        app.MapMethods(PagesFeature.AppsPath, [HttpMethods.Get, HttpMethods.Head], context => Endpoint(context).ShowAsync(context));
        app.MapForm(PagesFeature.AppsPath, (context, form) => Endpoint(context).MakeAsync(context, form));
        app.MapForm(MyDevicePasswordsEndpoint.EndPath, (context, form) => Endpoint(context).EndAsync(context, form));
        app.MapMethods(
            HeadlessPaths.Config,
            [HttpMethods.Get, HttpMethods.Head],
            context => context.RequestServices.GetRequiredService<HeadlessConfig>().AnswerAsync(context));
        app.MapPost(HeadlessPaths.Redirect, context => context.RequestServices.GetRequiredService<HeadlessRedirect>().AnswerAsync(context));
        app.MapPost(HeadlessPaths.Token, context => context.RequestServices.GetRequiredService<HeadlessTokenSignIn>().AnswerAsync(context));
    }

    private static MyDevicePasswordsEndpoint Endpoint(HttpContext context) => context.RequestServices.GetRequiredService<MyDevicePasswordsEndpoint>();
}
