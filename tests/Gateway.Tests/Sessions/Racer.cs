using Gateway.Tests.Kit;

namespace Gateway.Tests.Sessions;

/// <summary>A part of a race on a thread of its own. What it throws is its task's: of a bare thread it would end all tests.</summary>
internal static class Racer
{
    public static Task Start(Action run) => Task.Factory.StartNew(run, World.Ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
