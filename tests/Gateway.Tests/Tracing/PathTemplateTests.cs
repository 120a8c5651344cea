using Gateway.Tracing;

namespace Gateway.Tests.Tracing;

public sealed class PathTemplateTests
{
    [Theory]
    [InlineData("/", "/", "/")]
    [InlineData("/dashboard", "/dashboard", "/dashboard")]
    [InlineData("/documents/17", "/documents/{id}", "/documents/{id}")]
    [InlineData("/api/documents/17/preview/", "/api/documents/{id}/preview/", "/api/documents/{id}/preview/")]
    [InlineData("/api/documents/17/nonsense/", "/api/documents/…", "/api/documents/{id}/nonsense/")]
    [InlineData("/api/tasks/0e4e2b0c-7a5b-4a0e-9a3d-2b1f4c5d6e7f/", "/api/tasks/{id}/", "/api/tasks/{id}/")]
    [InlineData("/api/tasks/0e4e2b0c/", "/api/…", "/api/tasks/0e4e2b0c/")]
    [InlineData("/share/sEcretSlug", "/share/…", "/share/…")]
    [InlineData("/x/share/17", "…", "/x/share/…")]
    [InlineData("/accounts/password/reset/key/1-abc/", "/accounts/…", "/accounts/password/reset/key/…")]
    [InlineData("/accounts/oidc/authentik/login/callback/", "/accounts/oidc/{provider}/login/callback/", "/accounts/oidc/authentik/login/callback/")]
    [InlineData("/static/frontend/en-US/main.js", "/static/…", "/static/frontend/en-US/main.js")]
    [InlineData("/anything", "…", "/anything")]
    public void Spans_are_named_by_a_fixed_set_of_templates_and_the_log_has_paths_without_ids(string path, string template, string forLogs) =>
        Assert.Equal((template, forLogs), (PathTemplate.Find(path), PathTemplate.ForLogs(path)));
}
