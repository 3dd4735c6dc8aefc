"""The twelve languages and how they are named."""

import pytest

from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import LANGUAGES, distance, find, in_words, tag, variant


def test_the_twelve_stand_in_the_order_of_the_contract() -> None:
    assert " ".join(LANGUAGES) == "en es fr de ja zh ko pt it ru ar hi"


def test_every_flag_is_the_one_in_the_contract() -> None:
    flags = "".join(language.flag for language in LANGUAGES.values())

    assert flags == "🇺🇸🇪🇸🇫🇷🇩🇪🇯🇵🇨🇳🇰🇷🇵🇹🇮🇹🇷🇺🇸🇦🇮🇳"


def test_container_tags_are_terminological_ones() -> None:
    tags = [find(code).iso639_2 for code in ("fr", "de", "zh")]

    assert tags == ["fra", "deu", "zho"]  # not fre, ger, chi


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("es", "es"),
        ("es-MX", "es"),
        ("es-419", "es"),
        ("PT-br", "pt"),
        ("en_GB", "en"),
        ("zh-Hant", "zh"),
        ("zh-TW", "zh"),
        (" fr ", "fr"),
        ("spa", "es"),
    ],
)
def test_a_variant_is_found_as_its_language(typed: str, code: str) -> None:
    assert find(typed).code == code


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_variant_begins_with_the_code_of_its_language(code: str) -> None:
    variants = [variant(typed) for typed in (code, *LANGUAGES[code].variants)]

    assert {tag.partition("-")[0] for tag in variants} == {code}


def test_amazons_name_of_mandarin_is_taken_for_chinese() -> None:
    assert (find("cmn-CN").code, variant("cmn-CN")) == ("zh", "zh-CN")
    assert in_words("cmn-CN") == "Mandarin Chinese, in simplified characters"


def test_a_variant_keeps_its_own_tag() -> None:
    assert [variant(typed) for typed in ("es_mx", "ZH-HANT", "spa", "it")] == [
        "es-MX",
        "zh-Hant",
        "es",
        "it",
    ]


@pytest.mark.parametrize("typed", ["xx", "", "es-XX", "english", "e", "nl", "es;rm"])
def test_an_unknown_language_is_refused_with_the_known_ones(typed: str) -> None:
    with pytest.raises(PipelineError) as refusal:
        find(typed)

    assert refusal.value.code == "LANGUAGE_UNKNOWN"
    assert "en, es, fr, de, ja, zh, ko, pt, it, ru, ar, hi" in str(refusal.value)


def test_a_long_unknown_language_is_not_repeated_in_full() -> None:
    with pytest.raises(PipelineError) as refusal:
        find("x" * 5000)

    assert len(str(refusal.value)) < 200


def test_no_spelling_stands_for_two_languages() -> None:
    spellings = [
        spelling.lower()
        for language in LANGUAGES.values()
        for spelling in (language.code, language.iso639_2, *language.variants)
    ]

    assert len(spellings) == len(set(spellings))


def test_a_detected_language_outside_the_twelve_is_tagged_undetermined() -> None:
    assert [tag("nl"), tag("es-MX"), tag("en")] == ["und", "spa", "eng"]


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [
        ("es-419", ["es-419", "es-MX", "es-US", "es-CO", "es-AR"]),
        ("es-AR", ["es-AR", "es-419", "es-MX", "es-US", "es-CO"]),
        ("es-ES", ["es-ES"]),
        ("zh-HK", ["zh-HK", "zh-TW", "zh-Hant"]),
        ("zh-CN", ["zh-CN", "zh-Hans", "zh-SG"]),
        ("en-AU", ["en-AU", "en-GB", "en-IE", "en-IN"]),
        ("pt-PT", ["pt-PT"]),
    ],
)
def test_the_variants_nearest_to_the_wanted_one_come_first(wanted: str, nearest: list[str]) -> None:
    every = [tag for language in LANGUAGES.values() for tag in reversed(language.variants)]

    ordered = sorted(every, key=lambda spoken: distance(spoken, wanted))

    assert ordered[: len(nearest)] == nearest


def test_every_variant_has_a_name_that_people_know() -> None:
    variants = [code for language in LANGUAGES.values() for code in language.variants]

    assert [code for code in variants if code in in_words(code)] == []
