namespace Gateway.StandIns.Paperless;

/// <summary>A view of Django REST framework: negotiation, version, who asks, whether they may, then the method.</summary>
internal sealed class ApiView
{
    /// <summary>Whether nobody in particular may ask.</summary>
    public bool Anyone { get; init; }

    /// <summary>The model whose view_, add_, change_ and delete_ permissions are asked for; null: signed in is enough.</summary>
    public string? Model { get; init; }

    public Func<Visit, Task>? Get { get; init; }
    public Func<Visit, Task>? Post { get; init; }
    public Func<Visit, Task>? Patch { get; init; }
    public Func<Visit, Task>? Delete { get; init; }

    public Task AnswerAsync(Visit visit)
    {
        if (Negotiation.Problem(visit.Header("Accept")) is { } notAcceptable)
        {
            return visit.Reply.Detail(StatusCodes.Status406NotAcceptable, notAcceptable);
        }

        ApiCaller caller = ApiCaller.Of(visit);
        if (caller.Problem is { } problem)
        {
            return Refuse(visit, caller.IsCsrf ? StatusCodes.Status403Forbidden : null, problem);
        }

        visit.User = caller.User;
        if (!Anyone && caller.User is null)
        {
            return Refuse(visit, null, "Authentication credentials were not provided.");
        }

        if (Model is not null && !MayUseModel(visit, caller.User!))
        {
            return visit.Reply.Detail(StatusCodes.Status403Forbidden, "You do not have permission to perform this action.");
        }

        if (visit.Method == "OPTIONS")
        {
            return visit.Reply.Json(new { name = "Paperless-ngx", description = "", renders = (string[])["application/json"] });
        }

        if (Handler(visit.Method) is not { } handler)
        {
            visit.Http.Response.Headers.Allow = string.Join(", ", Allowed());
            return visit.Reply.Detail(StatusCodes.Status405MethodNotAllowed, $"Method \"{visit.Method}\" not allowed.");
        }

        return !visit.IsSafe && visit.Body.Problem is { } unreadable
            ? visit.Reply.Detail(StatusCodes.Status400BadRequest, unreadable)
            : handler(visit);
    }

    // DRF answers 401 only when its first authenticator has a WWW-Authenticate to offer; Remote-User has none.
    private static Task Refuse(Visit visit, int? status, string detail)
    {
        status ??= visit.Site.Options.RemoteUserApi ? StatusCodes.Status403Forbidden : StatusCodes.Status401Unauthorized;
        if (status == StatusCodes.Status401Unauthorized)
        {
            visit.Http.Response.Headers.WWWAuthenticate = "Token";
        }

        return visit.Reply.Detail(status.Value, detail);
    }

    private bool MayUseModel(Visit visit, StandInUser user)
    {
        string action = visit.Method switch
        {
            "POST" => "add",
            "PATCH" => "change",
            "DELETE" => "delete",
            _ => "view",
        };
        return visit.Data.PermissionsOf(user).Contains($"{action}_{Model}");
    }

    private Func<Visit, Task>? Handler(string method) => method switch
    {
        "GET" or "HEAD" => Get,
        "POST" => Post,
        "PATCH" => Patch,
        "DELETE" => Delete,
        _ => null,
    };

    private IEnumerable<string> Allowed() =>
    [
        .. ((string[])["GET", "POST", "PATCH", "DELETE"]).Where(method => Handler(method) is not null),
        .. Get is null ? (string[])[] : ["HEAD"],
        "OPTIONS",
    ];
}
