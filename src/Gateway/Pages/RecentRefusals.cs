using System.Text.RegularExpressions;
using Gateway.Sessions;

namespace Gateway.Pages;

/// <summary>Refusals of one kind: the same code at the same path for the same client.</summary>
/// <param name="Path">A template of the path: it holds no number and no secret.</param>
/// <param name="Last">When the last one was.</param>
/// <param name="Count">How many there were.</param>
/// <param name="TraceId">Of the last one.</param>
internal sealed record RecentRefusal(int Status, string Code, string Method, string Path, string Address, DateTimeOffset Last, int Count, string TraceId);

/// <summary>Remembers the last refusals of this process, for the admin page.</summary>
internal sealed partial class RecentRefusals(TimeProvider time)
{
    public const int Capacity = 200;

    private const int MaxPathLength = 120;

    private readonly Lock _lock = new();

    /// <summary>The latest last.</summary>
    private readonly List<RecentRefusal> _kept = new(Capacity);

    /// <summary>Adds a refusal. One like an earlier one takes its place, so that a client that repeats itself does not push out all others.</summary>
    /// <param name="path">As the log has it: its ids are `{id}`.</param>
    /// <param name="traceId">Of the request.</param>
    public void Add(HttpContext context, Refusal refusal, string path, string traceId)
    {
        RecentRefusal added = new(
            refusal.Status,
            refusal.Code,
            context.Request.Method,
            Template(path),
            context.Request.ClientAddress(),
            time.GetUtcNow(),
            1,
            traceId);
        lock (_lock)
        {
            int earlier = _kept.FindIndex(one => IsAlike(one, added));
            if (earlier >= 0)
            {
                added = added with { Count = _kept[earlier].Count + 1 };
            }

            if (earlier >= 0 || _kept.Count == Capacity)
            {
                _kept.RemoveAt(Math.Max(earlier, 0));
            }

            _kept.Add(added);
        }
    }

    /// <summary>The latest first.</summary>
    public IReadOnlyList<RecentRefusal> List()
    {
        lock (_lock)
        {
            return [.. Enumerable.Reverse(_kept)];
        }
    }

    private static bool IsAlike(RecentRefusal one, RecentRefusal other) =>
        (one.Status, one.Code, one.Method, one.Path, one.Address) == (other.Status, other.Code, other.Method, other.Path, other.Address);

    /// <summary>A long part with a digit may be a secret and is left out.</summary>
    private static string Template(string path)
    {
        string template = string.Join('/', path.Split('/').Select(part => Secret().IsMatch(part) ? "…" : part));
        return template.Length > MaxPathLength ? template[..MaxPathLength] + "…" : template;
    }

    [GeneratedRegex(@"\A(?=.*\d).{20,}\z|\A.{60,}\z", RegexOptions.Singleline)]
    private static partial Regex Secret();
}
