using System.Globalization;
using StackExchange.Redis;

namespace Gateway.Settings;

/// <summary>The address and credential of the Redis that all gateways share.</summary>
internal sealed class RedisSettings
{
    private readonly ConfigurationOptions _options;

    private RedisSettings(ConfigurationOptions options) => _options = options;

    /// <summary>A copy of the options, which the caller may change.</summary>
    public ConfigurationOptions Options() => _options.Clone();

    /// <summary>For logs and debuggers: the addresses without the password.</summary>
    public override string ToString()
        => string.Join(", ", _options.EndPoints.Select(end => end.ToString()!.Replace("Unspecified/", "", StringComparison.Ordinal)));

    /// <summary>Parses `redis://[user:password@]host[:port][/db]`, the same with `rediss`, or a connection string of StackExchange.Redis.</summary>
    /// <returns>Null if the text is neither.</returns>
    public static RedisSettings? Parse(string text) =>
        (text.Contains("://", StringComparison.Ordinal) ? FromUrl(text) : FromConnectionString(text)) is { EndPoints.Count: > 0 } options
            ? new RedisSettings(options)
            : null;

    private static ConfigurationOptions? FromUrl(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url) || url.Scheme is not ("redis" or "rediss") || url.Host.Length == 0
            || url.Query.Length + url.Fragment.Length > 0)
        {
            return null;
        }

        ConfigurationOptions options = new() { Ssl = url.Scheme == "rediss" };
        options.EndPoints.Add(url.IdnHost, url.Port > 0 ? url.Port : 6379);
        string database = url.AbsolutePath.Trim('/');
        if (database.Length > 0)
        {
            if (!int.TryParse(database, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            {
                return null;
            }

            options.DefaultDatabase = number;
        }

        string[] credential = url.UserInfo.Split(':', 2);
        if (credential.Length == 2)
        {
            options.User = credential[0].Length > 0 ? Uri.UnescapeDataString(credential[0]) : null;
            options.Password = Uri.UnescapeDataString(credential[1]);
        }

        // A user without a password is a mistake: the client library would treat the name as the password.
        return credential.Length == 2 || url.UserInfo.Length == 0 ? options : null;
    }

    private static ConfigurationOptions? FromConnectionString(string text)
    {
        try
        {
            return ConfigurationOptions.Parse(text);
        }
        catch (Exception error) when (error is ArgumentException or FormatException or OverflowException)
        {
            return null;
        }
    }
}
