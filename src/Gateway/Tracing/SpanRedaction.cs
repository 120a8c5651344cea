using System.Diagnostics;
using OpenTelemetry;

namespace Gateway.Tracing;

/// <summary>Rewrites the address of a request to Paperless or to a provider before it is exported: without ids, secrets and query.</summary>
internal sealed class SpanRedaction : BaseProcessor<Activity>
{
    private const string Address = "url.full";

    public override void OnEnd(Activity data)
    {
        if (data.GetTagItem(Address) is string address)
        {
            data.SetTag(
                Address,
                Uri.TryCreate(address, UriKind.Absolute, out Uri? url) ? $"{url.Scheme}://{url.Authority}{PathTemplate.ForLogs(url.AbsolutePath)}" : null);
        }
    }
}
