using System.Collections;
using System.Globalization;
using System.Text;
using QRCoder;

namespace Gateway.Pages;

/// <summary>A QR code (ISO/IEC 18004) as the path of an SVG element. No style and no script, so that the pages' policy allows it.</summary>
/// <param name="Size">The width and height in modules, with the quiet zone around the code.</param>
/// <param name="Path">The dark modules.</param>
internal sealed record QrCode(int Size, string Path)
{
    public static QrCode From(string text)
    {
        using QRCodeData data = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.M);
        StringBuilder path = new();
        for (int row = 0; row < data.ModuleMatrix.Count; row++)
        {
            AppendRow(path, data.ModuleMatrix[row], row);
        }

        return new QrCode(data.ModuleMatrix.Count, path.ToString());
    }

    /// <summary>Dark modules that stand side by side are one rectangle.</summary>
    private static void AppendRow(StringBuilder path, BitArray modules, int row)
    {
        int column = 0;
        while (column < modules.Count)
        {
            int start = column;
            while (column < modules.Count && modules[column])
            {
                column++;
            }

            if (column > start)
            {
                path.Append(CultureInfo.InvariantCulture, $"M{start} {row}h{column - start}v1h-{column - start}z");
            }

            column++;
        }
    }
}
