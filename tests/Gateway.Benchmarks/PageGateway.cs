using Gateway.Benchmarks.Servers;
using Gateway.StandIns.Provider;

namespace Gateway.Benchmarks;

/// <summary>The gateway as a process before Paperless, with https and HTTP/2, near or at the other end of a line.</summary>
internal sealed class PageGateway : IAsyncDisposable
{
    /// <summary>Ends at a page of the gateway's own.</summary>
    public const string SignInPath = "/accounts/oidc/authentik/login/?next=%2Fgateway%2Fsession";

    private readonly Child _process;
    private readonly Line? _line;

    private PageGateway(Child process, Uri address, Line? line)
    {
        _process = process;
        Origin = address.GetLeftPart(UriPartial.Authority);
        _line = line;
    }

    public string Origin { get; }

    /// <param name="assembly">The program's.</param>
    /// <param name="far">Whether the browser gets there over a line.</param>
    public static async Task<PageGateway> StartAsync(
        Workbench bench,
        string assembly,
        string name,
        PageUpstream paperless,
        DevelopmentProvider provider,
        LocalCertificate certificate,
        bool far)
    {
        GatewayProgram program = new(bench, name, paperless.Address, provider, RequestLog: true)
        {
            Certificate = certificate.Pfx,
            Token = paperless.Token,
        };
        Line? line = far ? Line.To(program.Port) : null;
        program = program with { PublicPort = line?.Port };
        Child process = program.Start(assembly);
        await process.WaitForAsync(program.LiveAddress, bench.Cancel);
        return new PageGateway(process, program.Address, line);
    }

    public async ValueTask DisposeAsync()
    {
        if (_line is not null)
        {
            await _line.DisposeAsync();
        }

        _process.Dispose();
    }
}
