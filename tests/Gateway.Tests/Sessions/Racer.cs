using Gateway.Tests.Kit;

namespace Gateway.Tests.Sessions;

/// <summary>One participant of a race, on its own thread. Its exceptions end in its task: on a bare thread they would end all tests.</summary>
internal static class Racer
{
    public static Task Start(Action run) => Task.Factory.StartNew(run, World.Ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
