using Gateway.Settings;

namespace Gateway.Operations;

/// <summary>`Gateway health`: checks a running gateway on this machine. The image's health check runs it.</summary>
internal static class HealthCommand
{
    /// <returns>The exit code: 0 if the gateway answers with success.</returns>
    /// <exception cref="SettingsException">`GATEWAY_MANAGEMENT_URL` is not a valid address.</exception>
    public static async Task<int> CheckAsync(string path, CancellationToken cancel)
    {
        Uri management = new GatewaySettingsReader(new ConfigurationBuilder().AddEnvironmentVariables().Build()).ManagementAddress();
        UriBuilder address = new(management) { Path = path, Host = management.Host is "0.0.0.0" or "[::]" ? "127.0.0.1" : management.Host };
        using HttpClient client = new() { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            using HttpResponseMessage response = await client.GetAsync(address.Uri, cancel);
            await Console.Out.WriteLineAsync(await response.Content.ReadAsStringAsync(cancel));
            return response.IsSuccessStatusCode ? 0 : Terminal.Failure;
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
        {
            return await Terminal.FailAsync($"{address.Uri} does not answer.");
        }
    }
}
