"""The timing receipt of a finished language, in plain words for its customer."""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.models import Line
from jobs.pipeline.timeline import Flag

HYPHEN_OF_A_NUMBER = re.compile(r"-(?=\d)")

LOOK_AT: Mapping[str, str] = {
    Flag.LATE: "late",
    Flag.SHORTENED: "shortened",
    Flag.UNTRANSLATED: "untranslated",
    Flag.SILENT: "silent",
    Flag.MISHEARD: "misheard",
}
"""The flags that ask a person to look at a line; the others only tell how it was made to fit."""


def sentences(receipt: Mapping[str, Any], *, picture: bool) -> list[str]:
    """What was measured on the files of a language: one fact a sentence, none twice."""
    if not receipt:
        return []
    return [
        _lines(receipt),
        _starts(receipt),
        _length(receipt, picture=picture),
        _loudness(receipt),
        _heard(receipt),
    ]


def line_sentences(line: Line) -> list[str]:
    """Why a line should be looked at; nothing where it needn't be."""
    lost = [_("has its speaker's voice: the one you chose isn't offered any more")]
    return flag_sentences(line.flags, late_ms=line.late_ms) + (lost if line.lost_its_voice else [])


def flag_sentences(flags: list[str], *, late_ms: int) -> list[str]:
    """What the flags of a line say of it, as far as that asks for a look."""
    words = {
        Flag.LATE: _("starts %(seconds).1f s late") % {"seconds": late_ms / 1000},
        Flag.SHORTENED: _("was cut at a clause, because no wording fitted"),
        Flag.UNTRANSLATED: _("is not translated"),
        Flag.SILENT: _("has no voice, only its caption"),
        Flag.MISHEARD: _("sounded different when we listened again"),
    }
    return [words[Flag(flag)] for flag in flags if flag in LOOK_AT]


def _lines(receipt: Mapping[str, Any]) -> str:
    count = receipt["lines"]
    natural = round(count * receipt["speed_natural_share"])
    said = ngettext("%(n)d line", "%(n)d lines", count) % {"n": count}
    overlap = receipt["overlap_seconds"]
    said += ", " + (
        _("overlapping by %(seconds).2f s in all") % {"seconds": overlap}
        if overlap
        else _("none overlaps")
    )
    if natural == count:
        fastest = {"speed": receipt["speed_highest"]}
        return f"{said}. " + _("All at natural speed, at most %(speed).2f×.") % fastest
    quick = {"natural": natural, "quick": count - natural, "speed": receipt["speed_highest"]}
    return f"{said}. " + _("%(natural)d at natural speed, %(quick)d up to %(speed).2f×.") % quick


def _starts(receipt: Mapping[str, Any]) -> str:
    starts = _("A typical line starts within %(median).0f ms, 95 %% at most %(most).0f ms late.")
    return starts % {"median": receipt["start_median_ms"], "most": max(receipt["start_p95_ms"], 0)}


def _length(receipt: Mapping[str, Any], *, picture: bool) -> str:
    if any("other length" in miss for miss in receipt.get("missed", ())):
        return _("Its length differs from the original.")
    if picture:
        return _("Same length as your video, to the frame.")
    return _("Same length as your recording, to the frame.")


def _loudness(receipt: Mapping[str, Any]) -> str:
    told = _("Loudness %(loudness).1f LUFS, true peak %(peak).1f dBTP.") % {
        "loudness": receipt["loudness_lufs"],
        "peak": receipt["true_peak_db"],
    }
    return HYPHEN_OF_A_NUMBER.sub("−", told)


def _heard(receipt: Mapping[str, Any]) -> str:
    error = receipt["word_error"]
    if error is None:
        return _("Not heard again.")
    right = round(100 * max(0.0, 1 - error))
    return _("Heard again: %(right)d %% of the words of a typical line.") % {"right": right}
