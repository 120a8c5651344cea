namespace Gateway.Background;

/// <summary>Raises events: a subscriber that throws is logged, and the other subscribers are still called.</summary>
internal static partial class Subscribers
{
    /// <param name="call">Calls one of them.</param>
    /// <param name="name">The event, for the log.</param>
    public static void Raise<T>(T? subscribers, Action<T> call, string name, ILogger logger)
        where T : Delegate
    {
        foreach (T subscriber in Delegate.EnumerateInvocationList(subscribers))
        {
            try
            {
                call(subscriber);
            }
            catch (Exception error)
            {
                Report(error, name, subscriber, logger);
            }
        }
    }

    private static void Report(Exception error, string name, Delegate subscriber, ILogger logger)
    {
        try
        {
            SubscriberFailed(logger, error, subscriber.Method.DeclaringType?.Name, name);
        }
        catch (Exception)
        {
            // A line that cannot be written must not keep the others from hearing of it.
        }
    }

    [LoggerMessage(
        EventId = 1201,
        EventName = "SubscriberFailed",
        Level = LogLevel.Error,
        Message = "{Subscriber} failed inside the gateway while handling {Event}. The other subscribers were notified")]
    private static partial void SubscriberFailed(ILogger logger, Exception error, string? subscriber, string @event);
}
