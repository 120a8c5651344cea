using System.Globalization;

namespace Gateway.Sandbox;

/// <summary>Where the sandbox listens; each port may be given by an argument.</summary>
/// <param name="HasGateway">Whether the sandbox runs the gateway, and not only what stands around it.</param>
internal sealed record SandboxPorts(int Gateway, int Provider, int Paperless, int Management, bool HasGateway = true)
{
    public const string Usage = "Gateway.Sandbox [--gateway 8080] [--provider 9000] [--paperless 8000] [--management 8081] [--without-gateway]";

    private const string WithoutGateway = "--without-gateway";

    public string GatewayUrl => $"http://localhost:{Gateway}";

    // Another host name than the gateway's: cookies know no ports, and sites are told apart by host.
    public string ProviderUrl => $"http://127.0.0.1:{Provider}";

    public string PaperlessUrl => $"http://127.0.0.1:{Paperless}";

    public string ManagementUrl => $"http://127.0.0.1:{Management}";

    /// <returns>Null where an argument is not understood.</returns>
    public static SandboxPorts? Read(string[] args)
    {
        SandboxPorts? ports = new(8080, 9000, 8000, 8081, HasGateway: !args.Contains(WithoutGateway));
        foreach (string[] pair in args.Where(argument => argument != WithoutGateway).Chunk(2))
        {
            bool understood = int.TryParse(pair.ElementAtOrDefault(1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)
                && port is > 0 and <= ushort.MaxValue;
            ports = !understood ? null : pair[0] switch
            {
                "--gateway" => ports with { Gateway = port },
                "--provider" => ports with { Provider = port },
                "--paperless" => ports with { Paperless = port },
                "--management" => ports with { Management = port },
                _ => null,
            };
            if (ports is null)
            {
                return null;
            }
        }

        return ports;
    }
}
