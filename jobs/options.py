"""What a customer may choose for a job, checked before anything is charged."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from dubber.errors import UserError
from jobs.models.glossary import LONGEST_TERM
from jobs.pipeline import subtitles
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import find, variant
from jobs.pipeline.ports import Tone
from jobs.refusals import sentence_of

LOUDNESS = ("-14", "source")
KEPT = (None, -20, -20.0)
LONGEST_VOICE = 100
LONGEST_CAPTIONS = 1_000_000
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
MOST_TERMS = 200
NULL_SAYS = frozenset({"keep_original_db"})
"""Options for which null is a choice; elsewhere it is none."""

TERM = frozenset({"source", "target", "language"})


def checked(options: Mapping[str, Any], languages: Collection[str]) -> dict[str, Any]:
    """The options as a job keeps them; what wasn't chosen isn't in them.

    Raises UserError validation_error for what isn't an option of ours.
    """
    unknown = sorted(set(options) - set(CHECKS))
    if unknown:
        raise _wrong(unknown[0], _("There is no such option."))
    chosen = {
        name: value for name, value in options.items() if value is not None or name in NULL_SAYS
    }
    for name, value in chosen.items():
        CHECKS[name](value, languages)
    if "variants" in chosen:
        chosen["variants"] = {code: variant(tag) for code, tag in chosen["variants"].items()}
    return chosen


def check_captions(option: str, value: Any) -> None:
    """Raise UserError validation_error for what can't be read as captions."""
    if not isinstance(value, str) or len(value) > LONGEST_CAPTIONS or UNSTORABLE.search(value):
        raise _wrong(option, _("Send captions as SRT or VTT text."))
    try:
        subtitles.read(value)
    except PipelineError as error:
        raise _wrong(option, sentence_of(error)) from error


def _loudness(value: Any, _languages: Collection[str]) -> None:
    if value not in LOUDNESS:
        raise _wrong("loudness", _("Choose -14 or source."))


def _keep_original_db(value: Any, _languages: Collection[str]) -> None:
    if isinstance(value, bool) or value not in KEPT:
        raise _wrong("keep_original_db", _("Choose -20 or null."))


def _tone(value: Any, _languages: Collection[str]) -> None:
    if value not in list(Tone):
        raise _wrong("tone", _("Choose neutral, formal or informal."))


def _wav(value: Any, _languages: Collection[str]) -> None:
    if not isinstance(value, bool):
        raise _wrong("wav", _("Choose true or false."))


def _review(value: Any, _languages: Collection[str]) -> None:
    if not isinstance(value, bool):
        raise _wrong("review", _("Choose true or false."))


def _variants(value: Any, languages: Collection[str]) -> None:
    if not isinstance(value, Mapping) or not set(value) <= set(languages):
        raise _wrong("variants", _("Give variants for the languages of this job only."))
    for code, chosen in value.items():
        if not isinstance(chosen, str) or not _is_variant(code, chosen):
            raise _wrong("variants", _("There is no such variant of this language."))


def _is_variant(code: str, chosen: str) -> bool:
    try:
        return find(chosen).code == code
    except PipelineError:
        return False


def _transcript_srt(value: Any, _languages: Collection[str]) -> None:
    check_captions("transcript_srt", value)


def _translations_srt(value: Any, languages: Collection[str]) -> None:
    if not isinstance(value, Mapping) or not set(value) <= set(languages):
        raise _wrong("translations_srt", _("Give captions for the languages of this job only."))
    for text in value.values():
        check_captions("translations_srt", text)


def _voices(value: Any, languages: Collection[str]) -> None:
    if not isinstance(value, Mapping) or not set(value) <= set(languages):
        raise _wrong("voices", _("Give voices for the languages of this job only."))
    for chosen in value.values():
        if not isinstance(chosen, Mapping) or not all(map(_is_cast, chosen.items())):
            raise _wrong("voices", _("Give a voice for each number of a speaker."))


def _speech(value: Any, languages: Collection[str]) -> None:
    _check_engines("speech", value, languages, settings.SPEECH_ENGINES)


def _translation(value: Any, languages: Collection[str]) -> None:
    _check_engines("translation", value, languages, settings.TRANSLATION_ENGINES)


def _check_engines(
    option: str, value: Any, languages: Collection[str], known: Collection[str]
) -> None:
    if not isinstance(value, Mapping) or not set(value) <= set(languages):
        raise _wrong(option, _("Name an engine for the languages of this job only."))
    if not all(chosen in known for chosen in value.values()):
        raise _wrong(option, _("Choose one of %(known)s.") % {"known": ", ".join(known)})


def check_terms(value: Any, languages: Collection[str]) -> None:
    """Raise UserError validation_error where this is no glossary for these languages."""
    if not isinstance(value, list) or len(value) > MOST_TERMS:
        raise _wrong("glossary", _("Give at most %(most)d terms.") % {"most": MOST_TERMS})
    for entry in value:
        if not isinstance(entry, Mapping) or not {"source", "target"} <= set(entry) <= TERM:
            raise _wrong("glossary", _("Give source and target for each term."))
        if entry.get("language") not in (None, *languages):
            raise _wrong("glossary", _("Give terms for the languages of this job only."))
        if not _is_term(entry["source"]) or not _is_said(entry["target"]):
            words = _("A term has 1 to %(most)d characters, in one line.")
            raise _wrong("glossary", words % {"most": LONGEST_TERM})


def _is_said(value: Any) -> bool:
    return value is None or _is_term(value)


def _is_term(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value.strip()) <= LONGEST_TERM


def _is_cast(pair: tuple[Any, Any]) -> bool:
    speaker, voice = pair
    return (
        isinstance(speaker, str)
        and speaker.isdecimal()
        and len(speaker) <= 3
        and isinstance(voice, str)
        and 0 < len(voice) <= LONGEST_VOICE
    )


def _wrong(option: str, sentence: str) -> UserError:
    return UserError("validation_error", sentence, option=option)


CHECKS = {
    "review": _review,
    "variants": _variants,
    "transcript_srt": _transcript_srt,
    "translations_srt": _translations_srt,
    "glossary": check_terms,
    "tone": _tone,
    "loudness": _loudness,
    "keep_original_db": _keep_original_db,
    "voices": _voices,
    "speech": _speech,
    "translation": _translation,
    "wav": _wav,
}
