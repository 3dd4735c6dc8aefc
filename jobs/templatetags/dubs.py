"""Filters for the pages of dubs."""

from collections.abc import Mapping

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from jobs.margins import dollars

register = template.Library()
register.filter(dollars)

LABELS: Mapping[str, str | Promise] = {
    "video": _("Video with both sound tracks"),
    "full_m4a": _("Voice and background (M4A)"),
    "full_mp3": _("Voice and background (MP3)"),
    "full_wav": _("Voice and background (WAV)"),
    "voice_mp3": _("Voice alone (MP3)"),
    "voice_wav": _("Voice alone (WAV)"),
    "bundle": _("All files in one (ZIP)"),
    "srt": _("Captions (SRT)"),
    "vtt": _("Captions (VTT)"),
    "transcript": _("Transcript (JSON)"),
    "manifest": _("Every line’s timing (JSON)"),
}


@register.filter
def clock(milliseconds: int) -> str:
    """Write a length as people read it: 1:04, or 1:02:03 with hours."""
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@register.filter
def file_label(kind: str) -> str:
    """Say what a kind of file is."""
    return str(LABELS.get(kind, kind))


@register.filter
def about(seconds: int) -> str:
    """Say how long something takes, no more exactly than anybody can know: about 3 minutes."""
    if seconds < 8:
        return gettext("a few seconds")
    if seconds < 55:
        return gettext("about %(n)d s") % {"n": 5 * round(seconds / 5)}
    minutes = round(seconds / 60)
    return ngettext("about %(n)d minute", "about %(n)d minutes", minutes) % {"n": minutes}
