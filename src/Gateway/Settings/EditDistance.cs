namespace Gateway.Settings;

/// <summary>The edit distance of two names (Levenshtein), to recognise a typo.</summary>
internal static class EditDistance
{
    public static bool IsWithin(string left, string right, int max)
    {
        if (Math.Abs(left.Length - right.Length) > max)
        {
            return false;
        }

        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int substituted = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1] <= max;
    }
}
