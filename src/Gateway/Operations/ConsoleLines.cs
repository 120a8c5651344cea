using System.Text;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;

namespace Gateway.Operations;

/// <summary>
/// Writes the log to standard output, many lines at a time: a line costs whoever logs it no write of its own. Nothing is dropped; where
/// nobody reads the output, who logs waits.
/// </summary>
internal sealed class ConsoleLines : ILogEventSink, IDisposable
{
    /// <summary>Lines that wait to be written; when it is full, requests wait for the console.</summary>
    private const int MostWaiting = 10_000;

    /// <summary>How long a line may wait for others to be written with.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(5);

    private readonly ITextFormatter _formatter;
    private readonly StreamWriter _output;
    private readonly Thread _writer;
    private readonly object _gate = new();
    private List<LogEvent> _waiting = [];
    private List<LogEvent> _writing = [];
    private bool _closed;

    public ConsoleLines(ITextFormatter formatter, Stream output)
    {
        _formatter = formatter;
        _output = new StreamWriter(output, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 64 * 1024) { AutoFlush = false };
        _writer = new Thread(Write) { IsBackground = true, Name = "log" };
        _writer.Start();
    }

    public void Emit(LogEvent logEvent)
    {
        lock (_gate)
        {
            while (_waiting.Count >= MostWaiting && !_closed)
            {
                Monitor.Wait(_gate);
            }

            if (_closed)
            {
                return;
            }

            _waiting.Add(logEvent);
            if (_waiting.Count == 1)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>What is logged by now is written first.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }

        _writer.Join(LongestFarewell);
    }

    private void Write()
    {
        while (Take())
        {
            try
            {
                foreach (LogEvent entry in _writing)
                {
                    _formatter.Format(entry, _output);
                }

                _output.Flush();
            }
            catch (IOException)
            {
                // Whoever read it has gone; there is nowhere to say so.
            }

            _writing.Clear();
        }
    }

    /// <returns>False where nothing more will come.</returns>
    private bool Take()
    {
        lock (_gate)
        {
            while (_waiting.Count == 0)
            {
                if (_closed)
                {
                    return false;
                }

                Monitor.Wait(_gate);
            }

            if (!_closed && _waiting.Count < MostWaiting / 2)
            {
                Monitor.Wait(_gate, Gathering);
            }

            (_waiting, _writing) = (_writing, _waiting);
            Monitor.PulseAll(_gate);
            return true;
        }
    }
}
