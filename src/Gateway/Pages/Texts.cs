using Microsoft.Extensions.Localization;

namespace Gateway.Pages;

/// <summary>
/// The texts of all pages in the language of the person: `T["Sign in"]` in a page. The translations are beside this file, one file a language;
/// `Texts.resx` lists all texts and is what a new language begins with.
/// </summary>
internal sealed class Texts(IStringLocalizerFactory localizers)
{
    private readonly IStringLocalizer _localizer = localizers.Create(typeof(Texts));

    /// <summary>In the language that <see cref="PageLanguage.Use"/> has chosen.</summary>
    public string this[PageText text] => text.Translate(_localizer);
}
