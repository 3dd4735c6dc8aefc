"""Stripe's form encoding: `a[b][0][c]=v` is a value in objects in lists."""

from typing import Any
from urllib.parse import parse_qsl


def parsed(text: str) -> dict[str, Any]:
    """The nested values of a form; numbers and truths stay texts."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        first, *rest = name.replace("]", "").split("[")
        place = tree
        for key, following in zip([first, *rest], [*rest, None], strict=True):
            if following is None:
                place[key] = value
            else:
                place = place.setdefault(key, {})
    return {key: _lists(value) for key, value in tree.items()}


def _lists(value: Any) -> Any:
    """Objects whose names are numbers, or nothing, are lists."""
    if not isinstance(value, dict):
        return value
    if all(key.isdecimal() or not key for key in value):
        return [_lists(part) for part in value.values()]
    return {key: _lists(part) for key, part in value.items()}
