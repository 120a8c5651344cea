using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Gateway.Settings;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Tests.Checks;
using Gateway.Tests.Kit;
using Serilog.Events;

namespace Gateway.Tests.Pages;

/// <summary>
/// Each cause of a sign-in that fails has a page of its own. What was asked, what came and what to change stands below the line for the operator, and in
/// the log.
/// </summary>
public sealed class CausePageTests
{
    private const string Begin = "/accounts/oidc/authentik/login/";

    /// <summary>The server answers every request with this, or the address of the provider is changed.</summary>
    [Theory]
    [InlineData("refused", "provider_unavailable", "The provider does not answer", "Connection refused", "Check that the provider runs")]
    [InlineData("unknown name", "provider_name_unknown", "The provider cannot be found", "its host name is not known", "Correct server_url")]
    [InlineData("https", "provider_connection_insecure", "No secure connection to the provider", "does not speak TLS", "Write http://")]
    [InlineData("503", "provider_status", "The provider answers with an error", "answered 503", "The log of the provider")]
    [InlineData("404", "provider_status", "The provider answers with an error", "answered 404", "slug")]
    [InlineData("302", "provider_redirect", "The provider redirects the gateway", "answered 302, a redirect to login.example", "a login proxy")]
    [InlineData("html", "provider_web_page", "A web page answers for the provider", "answered 200 with an HTML page", "Another program answers")]
    [InlineData("json", "provider_unusable", "The provider's answer cannot be used", "not the expected JSON", "which program answers")]
    [InlineData("issuer", "provider_issuer", "The provider has another name than expected", "https://other.example/", "Write the issuer itself")]
    [InlineData("endpoint", "provider_discovery_incomplete", "The provider's description is incomplete", "no token_endpoint", "Correct server_url")]
    public async Task Each_cause_at_the_provider_has_a_page_of_its_own(string cause, string code, string title, string came, string remedy)
    {
        await using StubSite stub = await StubSite.StartAsync(async context =>
        {
            context.Response.StatusCode = int.TryParse(cause, out int status) ? status : 200;
            context.Response.Headers.Location = cause == "302" ? "https://login.example/" : default;
            context.Response.ContentType = cause == "html" ? "text/html" : "application/json";
            await context.Response.WriteAsync(cause == "html" ? "<html>" : "5");
        });
        UriBuilder address = new(stub.Address);
        if (cause == "refused")
        {
            address.Port = 1;
        }
        else if (cause == "unknown name")
        {
            address.Host = "no-such-host.invalid";
        }
        else if (cause == "https")
        {
            address.Scheme = "https";
        }

        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Services = cause == "unknown name" ? services => services.AddSingleton(new Outbound()) : null;
        });
        bool isDocument = cause is "issuer" or "endpoint";
        if (!isDocument)
        {
            PointAt(world, address.Uri);
        }

        world.Provider.TamperDiscovery = document =>
        {
            document["issuer"] = cause == "issuer" ? "https://other.example/" : document["issuer"]!.GetValue<string>();
            return document;
        };
        if (cause == "endpoint")
        {
            world.Provider.TamperDiscovery = document =>
            {
                document.Remove("token_endpoint");
                return document;
            };
        }

        world.StartGateway();
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.OpenAsync(Begin, "same-origin");

        string asked = (isDocument ? world.Provider.Issuer : address.Uri).GetLeftPart(UriPartial.Authority);
        AssertIs(world, page, code, title, asked, came, remedy);
        Assert.Equal(
            cause == "refused",
            WordsOfPages.PersonsPart(page).Contains("does not answer", StringComparison.Ordinal));
        AssertHasButton(page, Begin);
    }

    [Theory]
    [InlineData("localhost", -2, "provider_certificate_expired", "The provider's certificate is out of date", "valid from", "Renew the certificate")]
    [InlineData("auth.example.org", 2, "provider_certificate_name", "The provider's certificate has another name", "auth.example.org", "server_url")]
    [InlineData("localhost", 2, "provider_certificate_untrusted", "The provider's certificate is not trusted", "self-signed", "mount the certificate")]
    public async Task Each_fault_of_a_certificate_has_a_page_of_its_own(string host, int validFor, string code, string title, string came, string remedy)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using X509Certificate2 certificate = ServerCertificateTests.SelfSigned(host, now.AddDays(-9), now.AddDays(validFor));
        using X509Certificate2 loaded = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listener => listener.UseHttps(loaded)));
        await using WebApplication site = builder.Build();
        await site.StartAsync(World.Ct);
        Uri address = new($"https://localhost:{new Uri(site.Urls.Single()).Port}/");
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        PointAt(world, address);
        world.StartGateway();
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.OpenAsync(Begin, "same-origin");

        AssertIs(world, page, code, title, address.GetLeftPart(UriPartial.Authority), came, remedy);
    }

    [Theory]
    [InlineData("wrong token", "paperless_token_refused", "Paperless refuses the gateway", "answered 401", "GATEWAY_PAPERLESS_TOKEN")]
    [InlineData("ordinary user", "paperless_token_not_superuser", "The gateway may not manage accounts", "no superuser", "GATEWAY_PAPERLESS_TOKEN")]
    [InlineData("wrong password", "paperless_token_missing", "The gateway has no access to Paperless", "answered 400", "GATEWAY_PAPERLESS_TOKEN")]
    [InlineData("500", "paperless_error", "Paperless answers with an error", "answered 500", "The log of Paperless")]
    [InlineData("404", "paperless_other", "This is not Paperless", "answered 404", "Check which program answers")]
    [InlineData("html", "paperless_other", "This is not Paperless", "does not match Paperless's API", "Check which program answers")]
    [InlineData("refused", "paperless_unavailable", "Paperless does not answer", "Connection refused", "GATEWAY_UPSTREAM_URL")]
    [InlineData("unknown name", "paperless_name_unknown", "Paperless cannot be found", "cannot be found", "GATEWAY_UPSTREAM_URL")]
    public async Task Each_cause_at_Paperless_has_a_page_of_its_own(string cause, string code, string title, string came, string remedy)
    {
        await using StubSite stub = await StubSite.StartAsync(async context =>
        {
            context.Response.StatusCode = int.TryParse(cause, out int status) ? status : 200;
            context.Response.ContentType = "text/html";
            await context.Response.WriteAsync("<html>");
        });
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        Uri upstream = cause switch
        {
            "500" or "404" or "html" => stub.Address,
            "refused" => new Uri("http://127.0.0.1:1/"),
            "unknown name" => new Uri("http://no-such-host.invalid/"),
            _ => world.Paperless.Address,
        };
        world.Options.Settings["GATEWAY_UPSTREAM_URL"] = upstream.GetLeftPart(UriPartial.Authority);
        if (cause == "wrong token")
        {
            world.Options.Settings["GATEWAY_PAPERLESS_TOKEN"] = new string('0', 40);
        }
        else if (cause == "ordinary user")
        {
            world.Options.Settings["GATEWAY_PAPERLESS_TOKEN"] = world.Paperless.Data.TokenOf("bob");
        }
        else if (cause == "wrong password")
        {
            world.Options.Settings["GATEWAY_PAPERLESS_TOKEN"] = null;
            world.Options.Settings["PAPERLESS_ADMIN_USER"] = "admin";
            world.Options.Settings["PAPERLESS_ADMIN_PASSWORD"] = "wrong";
        }

        world.StartGateway();
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        AssertIs(world, page, code, title, upstream.GetLeftPart(UriPartial.Authority), came, remedy);
        Assert.Equal(cause == "refused", WordsOfPages.PersonsPart(page).Contains("does not answer", StringComparison.Ordinal));
        if (!code.StartsWith("paperless_token", StringComparison.Ordinal))
        {
            // The address of the callback has a code that is used up: the button begins the sign-in again.
            AssertHasButton(page, Begin);
            Assert.Contains("5; url=" + Begin, page.Header("Refresh"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_page_that_waits_after_a_form_does_not_send_the_form_again()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Fault away = world.Paperless.Faults.Drop(_ => true);
        (string, string)[] navigation = [("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"),
            ("Sec-Fetch-Site", "same-origin"), ("Origin", world.Origin)];

        Page asked = await alice.OpenAsync("/documents/1?page=2", "same-origin");
        Page sent = await alice.SendAsync(HttpMethod.Post, "/documents/1", new FormUrlEncodedContent([]), navigation);

        AssertHasButton(asked, "/documents/1?page=2");
        Assert.Equal("5", asked.Header("Refresh"));
        Assert.Null(sent.Header("Refresh"));
        Assert.DoesNotContain("Try again now", sent.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("by itself.</p>", sent.Text, StringComparison.Ordinal);
        Assert.Contains("The data that you sent is not sent again automatically.", sent.Text, StringComparison.Ordinal);
        Assert.Contains("<a class=\"button\" href=\"/\">To Paperless</a>", sent.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Problem_details_have_the_words_of_the_operator_in_a_member_of_their_own()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Fault away = world.Paperless.Faults.Drop(request => request.RawPath == "/api/documents/");

        Page page = await alice.FetchAsync(HttpMethod.Post, "/api/documents/", new StringContent("{}"));

        Assert.DoesNotContain("http", WordsOfPages.PersonsPart(page), StringComparison.Ordinal);
        Assert.StartsWith(
            $"{world.Paperless.Address.GetLeftPart(UriPartial.Authority)}/api/documents/ closed the connection",
            WordsOfPages.OperatorsPart(page),
            StringComparison.Ordinal);
        Assert.Contains("GATEWAY_UPSTREAM_URL", WordsOfPages.OperatorsPart(page), StringComparison.Ordinal);
    }

    private static void PointAt(World world, Uri address)
    {
        DevelopmentProviderOptions client = world.Provider.Options;
        JsonObject provider = ProvidersSetting.Of(address, "authentik", client.ClientId, client.ClientSecret);
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(provider);
    }

    /// <summary>The address, what came and the remedy stand in the operator's part and in the log.</summary>
    private static void AssertIs(World world, Page page, string code, string title, params string[] operators)
    {
        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        GatewayPages.IsOne(page, title);
        LogEvent line = Assert.Single(world.Log.Of("Refused"));
        Assert.Equal(code, CapturedLog.Value(line, "Code"));
        Assert.Contains(code, WordsOfPages.OperatorsPart(page), StringComparison.Ordinal);
        Assert.All(operators, words =>
        {
            Assert.Contains(words, WordsOfPages.OperatorsPart(page), StringComparison.Ordinal);
            Assert.Contains(words, CapturedLog.Value(line, "Reason"), StringComparison.Ordinal);
        });
    }

    private static void AssertHasButton(Page page, string address) =>
        Assert.Matches($"<a class=\"button\" href=\"{System.Text.RegularExpressions.Regex.Escape(address)}[^\"]*\">Try again now</a>", page.Text);
}
