using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Interop;

/// <summary>The certified npm package oidc-provider, in a Node process on a loopback port.</summary>
internal sealed class OidcProviderProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly ConcurrentQueue<string> _errors = new();
    private Process? _node;

    private OidcProviderProcess()
    {
    }

    public Uri Issuer { get; private set; } = null!;

    public static async Task<OidcProviderProcess> StartAsync(OidcProviderSettings settings, CancellationToken ct)
    {
        OidcProviderProcess provider = new OidcProviderProcess();
        try
        {
            await provider.RunAsync(settings, ct);
            return provider;
        }
        catch
        {
            await provider.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same issuer with other settings. It has new keys, and forgets every session and token.</summary>
    public async Task RestartAsync(OidcProviderSettings settings, CancellationToken ct)
    {
        await StopAsync();
        await RunAsync(settings with { Port = Issuer.Port }, ct);
    }

    /// <summary>The provider is away until <see cref="RestartAsync"/>.</summary>
    public async Task StopAsync()
    {
        if (_node is not { } node)
        {
            return;
        }

        _node = null;
        try
        {
            node.StandardInput.Close();
            await node.WaitForExitAsync(CancellationToken.None).WaitAsync(StopLimit);
        }
        catch (Exception e) when (e is TimeoutException or IOException)
        {
            await node.KillAsync();
        }
        finally
        {
            node.Dispose();
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task RunAsync(OidcProviderSettings settings, CancellationToken ct)
    {
        NeedsAttribute.Check(RealPart.OidcProvider);
        _errors.Clear();
        _node = Process.Start(new ProcessStartInfo("node", ["server.mjs"])
        {
            WorkingDirectory = Path.Combine(Repository.Root, "tests", "interop"),
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _node.ErrorDataReceived += (_, line) => _errors.Enqueue(line.Data ?? "");
        _node.BeginErrorReadLine();

        StreamReader output = _node.StandardOutput;
        try
        {
            await _node.StandardInput.WriteLineAsync(JsonSerializer.Serialize(settings, Json).AsMemory(), ct);
            await _node.StandardInput.FlushAsync(ct);
            string? line = await output.ReadLineAsync(ct).AsTask().WaitAsync(StartLimit, ct);
            Issuer = JsonSerializer.Deserialize<Listening>(line ?? throw new EndOfStreamException(), Json)!.Issuer;
        }
        catch (Exception e) when (e is IOException or TimeoutException or JsonException)
        {
            await StopAsync();
            throw new InvalidOperationException(
                $"oidc-provider did not start. tests/run installs it (npm ci in tests/interop).\n{string.Join('\n', _errors)}", e);
        }

        // A pipe that nobody reads would stop the provider once it is full.
        _ = output.ReadToEndAsync(CancellationToken.None);
    }

    private sealed record Listening(Uri Issuer);
}
