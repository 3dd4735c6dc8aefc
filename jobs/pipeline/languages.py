"""The twelve languages: their names, flags, tags, and the variants that are accepted for them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from jobs.pipeline.errors import PipelineError


@dataclass(frozen=True, slots=True)
class Language:
    """One language that we know.

    code is what the API calls it (ISO 639-1); iso639_2 is the 639-2/T tag that containers carry;
    variants are the BCP 47 tags accepted in its stead.
    """

    code: str
    name: str
    flag: str
    iso639_2: str
    variants: tuple[str, ...]


_TWELVE = (
    Language("en", "English", "🇺🇸", "eng", ("en-US", "en-GB", "en-AU", "en-CA", "en-IN", "en-IE")),
    Language("es", "Spanish", "🇪🇸", "spa", ("es-ES", "es-MX", "es-419", "es-US", "es-AR", "es-CO")),
    Language("fr", "French", "🇫🇷", "fra", ("fr-FR", "fr-CA", "fr-BE", "fr-CH")),
    Language("de", "German", "🇩🇪", "deu", ("de-DE", "de-AT", "de-CH")),
    Language("ja", "Japanese", "🇯🇵", "jpn", ("ja-JP",)),
    Language(
        "zh", "Chinese", "🇨🇳", "zho", ("zh-CN", "zh-TW", "zh-HK", "zh-SG", "zh-Hans", "zh-Hant")
    ),
    Language("ko", "Korean", "🇰🇷", "kor", ("ko-KR",)),
    Language("pt", "Portuguese", "🇵🇹", "por", ("pt-PT", "pt-BR")),
    Language("it", "Italian", "🇮🇹", "ita", ("it-IT", "it-CH")),
    Language("ru", "Russian", "🇷🇺", "rus", ("ru-RU",)),
    Language("ar", "Arabic", "🇸🇦", "ara", ("ar-SA", "ar-AE", "ar-EG")),
    Language("hi", "Hindi", "🇮🇳", "hin", ("hi-IN",)),
)

LANGUAGES: Mapping[str, Language] = MappingProxyType({one.code: one for one in _TWELVE})

# Every accepted spelling in lower case: what it stands for, and how BCP 47 writes it.
_SPELLINGS: Mapping[str, tuple[Language, str]] = MappingProxyType(
    {
        spelling.lower(): (one, spelling)
        for one in _TWELVE
        for spelling in (one.code, one.iso639_2, *one.variants)
    }
    # What Amazon calls Mandarin: everything here goes by the language that a tag begins with.
    | {"cmn-cn": (LANGUAGES["zh"], "zh-CN")}
)


# How a variant is told apart, for who hasn't its tag in mind: a translator, for instance.
_IN_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "en-US": "American English",
        "en-GB": "British English",
        "en-AU": "Australian English",
        "en-CA": "Canadian English",
        "en-IN": "Indian English",
        "en-IE": "Irish English",
        "es-ES": "Spanish as spoken in Spain",
        "es-419": "Latin American Spanish",
        "es-MX": "Mexican Spanish",
        "es-US": "Spanish as spoken in the United States",
        "es-AR": "Argentine Spanish",
        "es-CO": "Colombian Spanish",
        "fr-FR": "French as spoken in France",
        "fr-CA": "Canadian French",
        "fr-BE": "Belgian French",
        "fr-CH": "Swiss French",
        "de-DE": "German as spoken in Germany",
        "de-AT": "Austrian German",
        "de-CH": "Swiss Standard German",
        "pt-BR": "Brazilian Portuguese",
        "pt-PT": "European Portuguese",
        "it-IT": "Italian as spoken in Italy",
        "it-CH": "Swiss Italian",
        "zh": "Mandarin Chinese, in simplified characters",
        "zh-CN": "Mandarin Chinese, in simplified characters",
        "zh-Hans": "Mandarin Chinese, in simplified characters",
        "zh-SG": "Mandarin Chinese as spoken in Singapore, in simplified characters",
        "zh-TW": "Mandarin Chinese as spoken in Taiwan, in traditional characters",
        "zh-Hant": "Mandarin Chinese, in traditional characters",
        "zh-HK": "Chinese as written in Hong Kong, in traditional characters",
        "ja-JP": "Japanese",
        "ko-KR": "Korean",
        "ru-RU": "Russian",
        "hi-IN": "Hindi",
        "ar-SA": "Arabic as spoken in Saudi Arabia",
        "ar-AE": "Arabic as spoken in the United Arab Emirates",
        "ar-EG": "Egyptian Arabic",
    }
)


# Variants whose speakers sound alike to each other, the widest understood first.
_FAMILIES = (
    ("en-US", "en-CA"),
    ("en-GB", "en-IE", "en-AU", "en-IN"),
    ("es-419", "es-MX", "es-US", "es-CO", "es-AR"),
    ("fr-FR", "fr-BE", "fr-CH"),
    ("zh-CN", "zh-Hans", "zh-SG"),
    ("zh-TW", "zh-Hant", "zh-HK"),
)


def distance(spoken: str, wanted: str) -> int:
    """How far one variant is from another that is wanted: 0 where it is the same."""
    if spoken == wanted:
        return 0
    near = next((family for family in _FAMILIES if wanted in family), ())
    return 1 + (near.index(spoken) if spoken in near else len(near))


def find(code: str) -> Language:
    """The language that `code` names: its own code or ISO 639-2/T tag, or a variant, in any case.

    Raises PipelineError LANGUAGE_UNKNOWN.
    """
    return _lookup(code)[0]


def variant(code: str) -> str:
    """The BCP 47 tag that `code` means: `ES_mx` is `es-MX`, `spa` is `es`.

    Raises PipelineError LANGUAGE_UNKNOWN.
    """
    language, spelling = _lookup(code)
    return spelling if spelling in language.variants else language.code


def variants_of(codes: Iterable[str]) -> dict[str, str]:
    """Language to the BCP 47 tag that was asked for.

    Raises PipelineError LANGUAGE_UNKNOWN, LANGUAGE_TWICE.
    """
    named: dict[str, str] = {}
    for code in codes:
        language = find(code)
        if language.code in named:
            raise PipelineError("LANGUAGE_TWICE", language=language.name)
        named[language.code] = variant(code)
    return named


def in_words(code: str) -> str:
    """A language with its variant, in English words. Raises PipelineError LANGUAGE_UNKNOWN."""
    language, spelling = _lookup(code)
    plain = language.name if code == language.code else f"{language.name} ({spelling})"
    return _IN_WORDS.get(spelling, plain)


def tag(code: str) -> str:
    """The ISO 639-2/T tag for containers; "und" for a language outside the twelve."""
    known = _SPELLINGS.get(code.strip().replace("_", "-").lower())
    return known[0].iso639_2 if known else "und"


def _lookup(code: str) -> tuple[Language, str]:
    known = _SPELLINGS.get(code.strip().replace("_", "-").lower())
    if known is None:
        # What a person typed is repeated, but never at length.
        raise PipelineError("LANGUAGE_UNKNOWN", code=code[:20], known=", ".join(LANGUAGES))
    return known
