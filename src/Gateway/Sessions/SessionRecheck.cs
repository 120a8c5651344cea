namespace Gateway.Sessions;

/// <summary>Sees to it that the provider and Paperless are asked again about a session in use. The sign-in, which knows this folder, does it.</summary>
/// <param name="AskAsync">
/// For a request whose session <see cref="Session.IsRecheckDue"/> or <see cref="Session.IsAccountCheckDue"/>. True: the request goes on,
/// as whoever `HttpContext.User` is by then; false: it has been answered.
/// </param>
internal sealed record SessionRecheck(Func<HttpContext, Session, Task<bool>> AskAsync);
