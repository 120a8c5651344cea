using System.Reflection;
using System.Reflection.Emit;
using Gateway.Pages;
using Microsoft.AspNetCore.Components;

namespace Gateway.Tests.Languages;

/// <summary>Every text of the pages is there in every language. With `UPDATE_DOCS=1` the files get the texts that they lack, in English.</summary>
public sealed class TranslationTests
{
    private static readonly TextSources Sources = TextSources.Read();

    public TranslationTests()
    {
        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1")
        {
            TextFile.English.Update(Sources.Keys);
            foreach (TextFile file in TextFile.Translations)
            {
                file.Update(Sources.Keys);
            }
        }
    }

    public static TheoryData<string> Languages => [.. TextFile.Translations.Select(file => file.Language)];

    [Fact]
    public void Every_word_on_a_page_is_a_text_that_can_be_translated() =>
        Assert.True(Sources.Faults.Count == 0, string.Join('\n', Sources.Faults));

    [Fact]
    public void The_English_file_lists_all_texts_of_the_sources()
    {
        Assert.Equal(Sources.Keys.Keys, TextFile.English.Entries.Select(entry => entry.Key));
        Assert.All(TextFile.English.Entries, entry => Assert.Equal(entry.Key, entry.Text));
    }

    /// <summary>The compiler of the files takes two such keys for one and leaves the second out.</summary>
    [Fact]
    public void No_two_texts_differ_only_in_capitals() =>
        Assert.Empty(Sources.Keys.Keys.GroupBy(key => key, StringComparer.OrdinalIgnoreCase).Where(keys => keys.Count() > 1).Select(keys => keys.Key));

    [Theory]
    [MemberData(nameof(Languages))]
    public void A_language_has_exactly_the_texts_of_the_sources(string language) =>
        Assert.Equal(Sources.Keys.Keys, File(language).Entries.Select(entry => entry.Key));

    [Theory]
    [MemberData(nameof(Languages))]
    public void No_text_is_left_in_English_or_empty(string language) => Assert.Empty(File(language).Entries
        .Where(entry => string.IsNullOrWhiteSpace(entry.Text) || (entry.Text == entry.Key) != (entry.Comment == TextEntry.SameAsEnglish))
        .Select(entry => entry.Key));

    [Theory]
    [MemberData(nameof(Languages))]
    public void A_translation_has_the_values_of_the_English_text(string language) => Assert.All(
        File(language).Entries,
        entry => Assert.Equal(TextFormat.Placeholders(entry.Key), TextFormat.Placeholders(entry.Text)));

    [Theory]
    [MemberData(nameof(Languages))]
    public void A_translation_is_one_line_and_ends_as_the_English_text_does(string language) => Assert.All(
        File(language).Entries,
        entry =>
        {
            Assert.Equal(entry.Text.Trim(), entry.Text);
            Assert.DoesNotContain('\n', entry.Text);
            Assert.Equal(".?!:".Contains(entry.Key[^1], StringComparison.Ordinal), ".?!:".Contains(entry.Text[^1], StringComparison.Ordinal));
        });

    [Fact]
    public void The_gateway_offers_the_languages_of_its_files_and_English() => Assert.Equal(
        TextFile.Translations.Select(file => file.Language).Append("en").Order(StringComparer.Ordinal),
        PageLanguage.Available.Keys.Order(StringComparer.Ordinal));

    /// <summary>The markup of a page is compiled by Razor: what it makes a text of is read from the assembly.</summary>
    [Fact]
    public void A_page_makes_no_text_of_a_variable()
    {
        MethodInfo conversion = typeof(PageText).GetMethod("op_Implicit")!;
        const BindingFlags Any = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        MethodInfo[] methods =
        [
            .. typeof(PageText).Assembly.GetTypes()
                .Where(type => (type.DeclaringType ?? type).IsAssignableTo(typeof(ComponentBase)))
                .SelectMany(type => type.GetMethods(Any)),
        ];
        (string Method, string? Constant)[] texts = [.. methods.SelectMany(method => CallsOf(conversion, method))];

        Assert.NotEmpty(texts);
        Assert.All(texts, text => Assert.True(text.Constant is not null, $"{text.Method} makes a text of a string that is no constant"));
        Assert.All(texts, text => Assert.Contains(text.Constant!, Sources.Keys));
    }

    private static TextFile File(string language) => TextFile.Translations.Single(file => file.Language == language);

    /// <summary>The calls of a static method, each with the constant that is loaded directly before it.</summary>
    private static IEnumerable<(string Method, string? Constant)> CallsOf(MethodInfo called, MethodInfo method)
    {
        const int TokenBytes = 4;
        byte[] code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (int at = 0; at + TokenBytes < code.Length; at++)
        {
            if (code[at] == OpCodes.Call.Value && BitConverter.ToInt32(code, at + 1) == called.MetadataToken)
            {
                int load = at - TokenBytes - 1;
                bool isConstant = load >= 0 && code[load] == OpCodes.Ldstr.Value;
                yield return (
                    $"{method.DeclaringType!.Name}.{method.Name}",
                    isConstant ? method.Module.ResolveString(BitConverter.ToInt32(code, load + 1)) : null);
            }
        }
    }
}
