using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using Perfolizer.Horology;

namespace Gateway.Benchmarks;

/// <summary>Runs BenchmarkDotNet over the parts and over the whole request, and writes its figures to the page.</summary>
internal static class PartsCommand
{
    public static int Run(bool quick)
    {
        Job job = Job.Default.WithWarmupCount(quick ? 2 : 6).WithIterationCount(quick ? 3 : 15)
            .WithIterationTime(TimeInterval.FromMilliseconds(quick ? 100 : 250));
        ManualConfig config = ManualConfig.Create(DefaultConfig.Instance).AddJob(job)
            .WithArtifactsPath(Path.Combine(PerformancePage.Root(), "artifacts", "benchmarks"));
        Summary[] summaries = [BenchmarkRunner.Run<WholeRequest>(config), BenchmarkRunner.Run<Parts>(config)];
        BenchmarkReport[] reports = [.. summaries.SelectMany(summary => summary.Reports)];
        if (reports.Any(report => !report.Success))
        {
            Console.Error.WriteLine("A benchmark failed; nothing was written.");
            return 1;
        }

        MarkdownTable table = new("", "time", "error", "allocated");
        foreach (BenchmarkReport report in reports)
        {
            double error = report.ResultStatistics!.ConfidenceInterval.Margin;
            table.Row(
                $"{report.BenchmarkCase.Descriptor.WorkloadMethodDisplayInfo.Trim('\'')}",
                $"{report.ResultStatistics.Mean:0} ns",
                $"± {error:0}",
                $"{report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? 0} B");
        }

        PerformancePage.Write("parts", $"{table}\nBenchmarkDotNet, {job.Run.IterationCount} iterations; {Machine.Sentence}");
        return 0;
    }
}
