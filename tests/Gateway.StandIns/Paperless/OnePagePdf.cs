using System.Text;

namespace Gateway.StandIns.Paperless;

/// <summary>The smallest document that a PDF viewer opens.</summary>
internal static class OnePagePdf
{
    public static byte[] Saying(string text)
    {
        string safe = text.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("(", "\\(", StringComparison.Ordinal)
            .Replace(")", "\\)", StringComparison.Ordinal);
        string drawing = $"BT /F1 24 Tf 72 720 Td ({safe}) Tj ET";
        string[] objects =
        [
            "<</Type/Catalog/Pages 2 0 R>>",
            "<</Type/Pages/Kids[3 0 R]/Count 1>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
            $"<</Length {Encoding.Latin1.GetByteCount(drawing)}>>stream\n{drawing}\nendstream",
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        ];

        StringBuilder pdf = new StringBuilder("%PDF-1.4\n");
        List<int> offsets = new List<int>();
        foreach ((int index, string? content) in objects.Index())
        {
            offsets.Add(pdf.Length);
            pdf.Append($"{index + 1} 0 obj{content}endobj\n");
        }

        int table = pdf.Length;
        pdf.Append($"xref\n0 {objects.Length + 1}\n0000000000 65535 f \n");
        offsets.ForEach(offset => pdf.Append($"{offset:D10} 00000 n \n"));
        pdf.Append($"trailer<</Size {objects.Length + 1}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n");
        return Encoding.Latin1.GetBytes(pdf.ToString());
    }
}
