namespace Gateway.Sandbox;

internal static class SandboxProgram
{
    private static void Main()
    {
    }
}
