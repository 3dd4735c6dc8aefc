"""{% timeline %}: the drawing of two lanes over one time axis."""

from collections.abc import Sequence
from typing import Any

from django import template

from jobs import timeline as axis
from jobs.templatetags.dubs import clock

register = template.Library()


@register.inclusion_tag("_timeline.html")
def timeline(
    lines: Sequence[axis.TimelineLine],
    seconds: float,
    *,
    name: str = "timeline",
    label: str = "",
    legend: bool = False,
    listed: bool = True,
    playable: bool = False,
    said_lang: str = "",
    now_lang: str = "",
) -> dict[str, Any]:
    """Draw lines on an axis of so many seconds.

    name is the id of the figure, its own on every page; label says aloud what it shows. legend adds
    what the tints mean, listed the same lines as text, playable lets one be chosen (timeline.js).
    said_lang and now_lang are the languages that the text is in.
    """
    return {
        "name": name,
        "label": label,
        "told": axis.told(lines),
        "blocks": axis.blocks(lines, seconds=seconds),
        "lines": axis.as_json(lines),
        "ticks": [
            (tick.x, tick.anchor, clock(tick.seconds * 1000)) for tick in axis.ticks(seconds)
        ],
        "width": axis.width(seconds),
        "seconds": f"{seconds:.3f}",
        "legend": legend,
        "listed": listed,
        "playable": playable,
        "said_lang": said_lang,
        "now_lang": now_lang,
    }


@register.filter
def times(speed: float | None) -> str:
    """Write an applied speed as people read it: 1.08×; nothing for the natural one."""
    return f"{speed:.2f}×" if speed and abs(speed - 1) >= 0.005 else ""


@register.filter
def at(seconds: float) -> str:
    """Write a time on the axis: 1:04."""
    return clock(round(seconds * 1000))
