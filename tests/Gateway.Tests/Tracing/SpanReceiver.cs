using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Tracing;

/// <summary>A span as it came by OTLP.</summary>
/// <param name="ParentId">Empty for the first span of a trace.</param>
internal sealed record ReceivedSpan(string TraceId, string Id, string ParentId, string Name, int Kind, IReadOnlyDictionary<string, string> Attributes)
{
    public const int Server = 2;

    public const int Client = 3;

    public override string ToString() => $"{Name} {TraceId} {string.Join(' ', Attributes.Select(one => $"{one.Key}: {one.Value}"))}";
}

/// <summary>A collector: takes spans by OTLP over HTTP, in protobuf.</summary>
internal sealed class SpanReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<ReceivedSpan> _spans = new();
    private readonly ConcurrentQueue<string> _paths = new();
    private StubSite _site = null!;

    private SpanReceiver()
    {
    }

    public IReadOnlyList<ReceivedSpan> Spans => [.. _spans];

    /// <summary>Where the spans came.</summary>
    public IEnumerable<string> Paths => _paths.Distinct();

    public Uri Address => _site.Address;

    /// <summary>The settings with which the gateway sends its spans here, soon after they end.</summary>
    public Dictionary<string, string?> Settings => new()
    {
        ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = new Uri(_site.Address, "/v1/traces").AbsoluteUri,
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
    };

    public static async Task<SpanReceiver> StartAsync()
    {
        SpanReceiver receiver = new();
        receiver._site = await StubSite.StartAsync(async context =>
        {
            using MemoryStream body = new();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            receiver._paths.Enqueue(context.Request.Path);
            foreach (ReceivedSpan span in ReadRequest(body.ToArray()))
            {
                receiver._spans.Enqueue(span);
            }
        });
        return receiver;
    }

    public async Task<IReadOnlyList<ReceivedSpan>> WaitForAsync(string what, Func<IReadOnlyList<ReceivedSpan>, bool> isComplete)
    {
        await Wait.UntilAsync(() => isComplete(Spans), what, () => string.Join('\n', Spans));
        return Spans;
    }

    public ValueTask DisposeAsync() => _site.DisposeAsync();

    /// <summary>The numbers are those of `opentelemetry/proto/trace/v1/trace.proto`.</summary>
    private static IEnumerable<ReceivedSpan> ReadRequest(byte[] request) =>
        from ofResource in Fields(request).Where(field => field.Number == 1)
        from ofScope in Fields(ofResource.Bytes).Where(field => field.Number == 2)
        from span in Fields(ofScope.Bytes).Where(field => field.Number == 2)
        select ReadSpan(span.Bytes);

    private static ReceivedSpan ReadSpan(byte[] span)
    {
        ILookup<int, Field> fields = Fields(span).ToLookup(field => field.Number);
        return new ReceivedSpan(
            Hex(fields[1]),
            Hex(fields[2]),
            Hex(fields[4]),
            Encoding.UTF8.GetString(fields[5].Single().Bytes),
            (int)fields[6].Single().Value,
            fields[9].Select(field => Fields(field.Bytes).ToList())
                .ToDictionary(
                    pair => Encoding.UTF8.GetString(pair.Single(field => field.Number == 1).Bytes),
                    pair => ValueOf(pair.Single(field => field.Number == 2))));
    }

    private static string ValueOf(Field any)
    {
        Field value = Fields(any.Bytes).Single();
        return value.Number == 1 ? Encoding.UTF8.GetString(value.Bytes) : value.Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    private static string Hex(IEnumerable<Field> fields) => Convert.ToHexStringLower(fields.SingleOrDefault()?.Bytes ?? []);

    /// <summary>The fields of a message in protobuf's wire format.</summary>
    private static List<Field> Fields(ReadOnlySpan<byte> message)
    {
        List<Field> fields = [];
        while (!message.IsEmpty)
        {
            ulong tag = ReadNumber(ref message);
            int number = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0:
                    fields.Add(new Field(number, ReadNumber(ref message), []));
                    break;
                case 1:
                    fields.Add(new Field(number, BinaryPrimitives.ReadUInt64LittleEndian(message), []));
                    message = message[8..];
                    break;
                case 2:
                    int length = (int)ReadNumber(ref message);
                    fields.Add(new Field(number, 0, message[..length].ToArray()));
                    message = message[length..];
                    break;
                default:
                    fields.Add(new Field(number, BinaryPrimitives.ReadUInt32LittleEndian(message), []));
                    message = message[4..];
                    break;
            }
        }

        return fields;
    }

    private static ulong ReadNumber(ref ReadOnlySpan<byte> message)
    {
        ulong number = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte part = message[0];
            message = message[1..];
            number |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
            {
                return number;
            }
        }
    }

    private sealed record Field(int Number, ulong Value, byte[] Bytes);
}
