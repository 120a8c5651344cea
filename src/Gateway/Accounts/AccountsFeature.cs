namespace Gateway.Accounts;

/// <summary>Links people at the providers to Paperless users, creates users and keeps them in sync.</summary>
internal static class AccountsFeature
{
    public static void AddAccounts(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<AccountLinking>();
        builder.Services.AddSingleton<LinkedSessions>();
        builder.Services.AddSingleton<UsernameMatch>();
        builder.Services.AddSingleton<NamesakeSearch>();
        builder.Services.AddSingleton<AccountProvisioning>();
        builder.Services.AddSingleton<AccountSync>();
        builder.Services.AddSingleton<AccountRefusals>();
        builder.Services.AddSingleton<AccountSignIn>();
        builder.Services.AddSingleton<GroupClaimWarnings>();
        builder.Services.AddSingleton<ClaimsDecision>();
        builder.Services.AddSingleton<Connect>();
        builder.Services.AddSingleton<PendingLinks>();
        builder.Services.AddSingleton<RefusedSignIns>();
    }
}
