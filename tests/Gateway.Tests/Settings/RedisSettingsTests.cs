using Gateway.Settings;
using StackExchange.Redis;

namespace Gateway.Tests.Settings;

public sealed class RedisSettingsTests
{
    [Theory]
    [InlineData("redis://redis", "redis:6379", null, null, null, false)]
    [InlineData("redis://:p%40ss%2F@redis:7000/3", "redis:7000", null, "p@ss/", 3, false)]
    [InlineData("rediss://user:secret@[::1]/0", "[::1]:6379", "user", "secret", 0, true)]
    [InlineData("redis:6380,user=user,password=secret,ssl=true,defaultDatabase=2", "redis:6380", "user", "secret", 2, true)]
    public void A_Redis_URL_is_parsed(string text, string endPoint, string? user, string? password, int? database, bool ssl)
    {
        RedisSettings redis = RedisSettings.Parse(text)!;
        ConfigurationOptions options = redis.Options();

        Assert.Equal(endPoint, redis.ToString());
        Assert.Equal((user, password, database, ssl), (options.User, options.Password, options.DefaultDatabase, options.Ssl));
    }

    [Fact]
    public void Sentinels_are_configured_by_a_connection_string()
    {
        ConfigurationOptions options = RedisSettings.Parse("one:26379,two:26379,serviceName=main")!.Options();

        Assert.Equal("main", options.ServiceName);
        Assert.Equal(2, options.EndPoints.Count);
    }

    [Theory]
    [InlineData("http://user:secret@redis")]
    [InlineData("redis://secret@redis")]
    [InlineData("redis://user:secret@redis/two")]
    [InlineData("redis://")]
    [InlineData("redis,password=secret,nonsense=1")]
    [InlineData("password=secret")]
    public void An_invalid_Redis_URL_is_refused_and_not_quoted(string text)
    {
        Assert.Null(RedisSettings.Parse(text));

        SettingsException refused = Assert.Throws<SettingsException>(
            () => new GatewaySettingsReader(new ConfigurationBuilder().AddInMemoryCollection([new("GATEWAY_REDIS_URL", text)]).Build()).Read());
        Assert.Contains("GATEWAY_REDIS_URL: the value is not a Redis address", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Redis_settings_never_print_the_password()
    {
        Assert.DoesNotContain("secret", RedisSettings.Parse("redis://user:secret@redis")!.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", RedisSettings.Parse("redis,password=secret")!.ToString(), StringComparison.Ordinal);
    }
}
