"""The one way in which a row of money changes its status."""

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models.functions import Now

from dubber.errors import Conflict


def move(
    row: models.Model, target: str, *, allowed: Mapping[Any, frozenset[Any]], **columns: Any
) -> None:
    """Set the status to `target` and `columns` with it, in one UPDATE that repeats what was read.

    Raises Conflict if `allowed` forbids the move, or if anyone else moved the row meanwhile.
    """
    current = row.status  # type: ignore[attr-defined]
    if target not in allowed[current]:
        raise Conflict(stands=str(current), wanted=str(target))
    changes = {"status": target, "updated_at": Now(), **columns}
    if not type(row)._base_manager.filter(pk=row.pk, status=current).update(**changes):
        raise Conflict
    row.refresh_from_db(fields=list(changes))
