namespace Gateway.Settings;

/// <summary>The value of a secret: the one thing of the settings that its file can replace while the gateway runs. Every use asks for it.</summary>
internal sealed class RotatingSecret<T>(T value)
    where T : class?
{
    private T _value = value;

    public T Value
    {
        get => Volatile.Read(ref _value);
        set => Volatile.Write(ref _value, value);
    }
}
