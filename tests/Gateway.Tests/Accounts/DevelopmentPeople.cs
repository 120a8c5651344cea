using Gateway.Storage;
using Gateway.Tests.Kit;
using Person = Gateway.StandIns.Provider.Person;

namespace Gateway.Tests.Accounts;

/// <summary>People at the development provider, for tests of accounts.</summary>
internal static class DevelopmentPeople
{
    /// <summary>Somebody whom only the provider knows so far.</summary>
    public static void NewPerson(this World world, string username, string name, params string[] groups) =>
        world.Provider.Options = world.Provider.Options with
        {
            People = [.. world.Provider.Options.People, Person.Named(username, name, groups) with { Subject = Guid.NewGuid().ToString("N") }],
        };

    public static IReadOnlyList<AccountLink> Links(this World world)
        => world.Gateway.Services.GetRequiredService<IAccountLinkStore>().ListAllAsync(World.Ct).GetAwaiter().GetResult();

    public static AccountLink? LinkOf(this World world, string username) =>
        world.Gateway.Services.GetRequiredService<IAccountLinkStore>().FindAsync(world.KeyOf(username), World.Ct).GetAwaiter().GetResult();

    /// <summary>A person as the gateway names somebody of the provider "authentik".</summary>
    public static PersonKey KeyOf(this World world, string username)
        => new("authentik", world.Provider.Issuer.AbsoluteUri, world.Provider.Find(username)!.Subject);
}
