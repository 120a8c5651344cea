using Gateway.Pages;
using Gateway.Settings;

namespace Gateway.Admin;

/// <summary>`/gateway/admin`: superusers see who is signed in, connected and refused, and end or remove it.</summary>
internal static class AdminFeature
{
    public const string SessionsPath = PagesFeature.AdminPath + "/sessions";

    public const string PasswordSessionsPath = PagesFeature.AdminPath + "/password-sessions";

    public const string LinksPath = PagesFeature.AdminPath + "/links";

    public const string DevicesPath = PagesFeature.AdminPath + "/devices";

    public const string RefusalsPath = PagesFeature.AdminPath + "/refusals";

    public const string SettingsPath = PagesFeature.AdminPath + "/settings";

    private static readonly string[] ReadMethods = [HttpMethods.Get, HttpMethods.Head];

    public static void AddAdmin(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<AdminOverviewEndpoint>();
        builder.Services.AddSingleton<AdminSessionsEndpoint>();
        builder.Services.AddSingleton<AdminPasswordSessionsEndpoint>();
        builder.Services.AddSingleton<AdminLinksEndpoint>();
        builder.Services.AddSingleton<AdminDevicesEndpoint>();
    }

    public static void MapAdmin(this WebApplication app, GatewaySettings settings)
    {
        app.MapMethods(PagesFeature.AdminPath, ReadMethods, context => Get<AdminOverviewEndpoint>(context).ShowAsync(context));
        app.MapMethods(RefusalsPath, ReadMethods, context => Get<AdminOverviewEndpoint>(context).ShowRefusalsAsync(context));
        app.MapMethods(SettingsPath, ReadMethods, context => Get<AdminOverviewEndpoint>(context).ShowSettingsAsync(context));

        app.MapMethods(SessionsPath, ReadMethods, context => Get<AdminSessionsEndpoint>(context).ShowAsync(context));
        app.MapMethods(AdminSessionsEndpoint.EndPath, ReadMethods, context => Get<AdminSessionsEndpoint>(context).AskAsync(context));
        app.MapForm(AdminSessionsEndpoint.EndPath, (context, form) => Get<AdminSessionsEndpoint>(context).EndAsync(context, form));
        app.MapMethods(AdminSessionsEndpoint.EndAllPath, ReadMethods, context => Get<AdminSessionsEndpoint>(context).AskForAllAsync(context));
        app.MapForm(AdminSessionsEndpoint.EndAllPath, (context, form) => Get<AdminSessionsEndpoint>(context).EndAllAsync(context, form));

        app.MapMethods(LinksPath, ReadMethods, context => Get<AdminLinksEndpoint>(context).ShowAsync(context));
        app.MapMethods(AdminLinksEndpoint.RemovePath, ReadMethods, context => Get<AdminLinksEndpoint>(context).AskAsync(context));
        app.MapForm(AdminLinksEndpoint.RemovePath, (context, form) => Get<AdminLinksEndpoint>(context).RemoveAsync(context, form));

        app.MapMethods(DevicesPath, ReadMethods, context => Get<AdminDevicesEndpoint>(context).ShowAsync(context));
        app.MapMethods(AdminDevicesEndpoint.RevokePath, ReadMethods, context => Get<AdminDevicesEndpoint>(context).AskAsync(context));
        app.MapForm(AdminDevicesEndpoint.RevokePath, (context, form) => Get<AdminDevicesEndpoint>(context).RevokeAsync(context, form));

        if (!settings.Paperless.RegularLoginDisabled)
        {
            app.MapMethods(PasswordSessionsPath, ReadMethods, context => Get<AdminPasswordSessionsEndpoint>(context).ShowAsync(context));
            app.MapMethods(AdminPasswordSessionsEndpoint.EndPath, ReadMethods, context => Get<AdminPasswordSessionsEndpoint>(context).AskAsync(context));
            app.MapForm(AdminPasswordSessionsEndpoint.EndPath, (context, form) => Get<AdminPasswordSessionsEndpoint>(context).EndAsync(context, form));
        }
    }

    private static T Get<T>(HttpContext context)
        where T : notnull => context.RequestServices.GetRequiredService<T>();
}
