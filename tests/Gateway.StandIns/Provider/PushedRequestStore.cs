using System.Collections.Concurrent;

namespace Gateway.StandIns.Provider;

/// <summary>The authorization requests that the client has pushed, by their <c>request_uri</c>.</summary>
internal sealed class PushedRequestStore
{
    private readonly ConcurrentDictionary<string, IReadOnlyDictionary<string, string>> _requests = [];

    public string Add(IReadOnlyDictionary<string, string> request)
    {
        string reference = "urn:ietf:params:oauth:request_uri:" + IssuedTokens.RandomText();
        _requests[reference] = request;
        return reference;
    }

    public IReadOnlyDictionary<string, string>? Find(string? reference) => _requests.GetValueOrDefault(reference ?? "");

    /// <summary>The person has signed in: the same request goes on without it.</summary>
    public void RemoveParameter(string reference, string name)
    {
        if (Find(reference) is { } request)
        {
            _requests[reference] = request.Where(pair => pair.Key != name).ToDictionary();
        }
    }
}
