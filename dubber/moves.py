"""The one way in which a row changes its status."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.db import models
from django.db.models.functions import Now

from dubber.errors import Conflict


def move(
    row: models.Model,
    target: str,
    *,
    allowed: Mapping[Any, frozenset[Any]],
    columns: Mapping[str, Any],
    column: str = "status",
    repeat: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Set `column` to `target` and `columns` with it, in one UPDATE that repeats what was read.

    `repeat` names further columns that must still be as they were read. Raises Conflict if
    `allowed` forbids the move, or if anyone else moved the row in the meantime.
    """
    current = getattr(row, column)
    if target not in allowed[current]:
        raise Conflict(stands=str(current), wanted=str(target))
    changes = {column: target, "updated_at": Now(), **columns}
    rows = type(row)._base_manager.filter(pk=row.pk, **{column: current}, **repeat)
    if not rows.update(**changes):
        raise Conflict
    row.refresh_from_db(fields=list(changes))
