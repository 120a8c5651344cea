using System.Text;
using Gateway.Operations;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Operations;

public sealed class AppendedFileTests : IDisposable
{
    private const int Records = 500;

    private readonly string _folder = Directory.CreateTempSubdirectory("gateway-append").FullName;

    private string File => Path.Combine(_folder, "audit.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The gateway and a command. Each opens the file for itself, as two processes do.</summary>
    [Fact]
    public async Task Two_writers_lose_nothing_and_write_whole_batches()
    {
        using Barrier start = new(2);

        await Task.WhenAll(WriteAsync("one"), WriteAsync("two"));

        string[] lines = await System.IO.File.ReadAllLinesAsync(File, World.Ct);
        string[] expected = [.. Enumerable.Range(0, Records).SelectMany(number => (string[])[$"one {number} end", $"two {number} end"])];
        Assert.Equal(expected.Order(StringComparer.Ordinal), lines.Order(StringComparer.Ordinal));

        Task WriteAsync(string name) => Task.Factory.StartNew(
            () =>
            {
                using AppendedFile file = new(File);
                start.Meet();
                for (int number = 0; number < Records; number++)
                {
                    // A batch that is larger than a writer's buffer comes in parts.
                    file.Write(Encoding.UTF8.GetBytes($"{name} {number}"));
                    file.Write(" end\n"u8);
                    file.Flush();
                }
            },
            World.Ct,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
    }

    [Fact]
    public void A_file_that_somebody_else_keeps_fails_after_a_while()
    {
        using FileStream held = new(File, FileMode.Create, FileAccess.Write, FileShare.None);

        Assert.Throws<IOException>(() => new AppendedFile(File).Append("record"u8));
    }
}
