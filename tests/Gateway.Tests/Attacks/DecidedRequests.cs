using System.Collections.Concurrent;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Tests.Attacks;

/// <summary>A request as the gateway parsed it, and the user that the gateway decided on.</summary>
internal sealed class DecidedRequest(string method, string target)
{
    public string Method => method;

    public string Target => target;

    /// <summary>The user of the session; null without a session.</summary>
    public string? User { get; set; }

    /// <summary>How much of the body was read.</summary>
    public long BodyLength { get; set; }

    public bool IsOver { get; set; }
}

/// <summary>Records each request before the pipeline of the gateway; no other request may reach Paperless.</summary>
internal sealed class DecidedRequests : IStartupFilter
{
    private readonly ConcurrentQueue<DecidedRequest> _all = new();

    public IReadOnlyList<DecidedRequest> All => [.. _all];

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(async (context, rest) =>
        {
            DecidedRequest decided = new(context.Request.Method, context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
            _all.Enqueue(decided);
            CountedStream body = new(context.Request.Body);
            context.Request.Body = body;
            try
            {
                await rest(context);
            }
            finally
            {
                decided.User = context.Session()?.Identity.Username ?? context.PasswordSession()?.Username;
                decided.BodyLength = body.Count;
                decided.IsOver = true;
            }
        });
        next(app);
    };

    private sealed class CountedStream(Stream stream) : Stream
    {
        public long Count { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await stream.ReadAsync(buffer, cancellationToken);
            Count += read;
            return read;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
