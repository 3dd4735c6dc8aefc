"""Reads rows by plain SQL, for the few questions that every call of the API begins with.

`Manager.raw` composes the columns of its model anew for every query, which takes as long as the
database takes to answer. Here they are looked up once.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model

Row = TypeVar("Row", bound=Model)


def rows_of(
    model: type[Row], names: tuple[str, ...], sql: str, parameters: Sequence[Any]
) -> list[tuple[Row, Sequence[Any]]]:
    """The rows of a query that selects these columns of a model, in the model's own order.

    Each comes with the values of what is selected after them, as the database gives them.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found = cursor.fetchall()
    return [
        (model.from_db(DEFAULT_DB_ALIAS, names, _converted(model, names, row)), row[len(names) :])
        for row in found
    ]


def _converted(model: type[Model], names: tuple[str, ...], row: Sequence[Any]) -> list[Any]:
    values = list(row[: len(names)])
    for place, expression, converters in _converters(model, names, connection.vendor):
        for convert in converters:
            values[place] = convert(values[place], expression, connection)
    return values


@cache
def _converters(
    model: type[Model], names: tuple[str, ...], _vendor: str
) -> list[tuple[int, Any, list[Callable[..., Any]]]]:
    """What makes a model's values of the database's, by the place of their column."""
    columns = [model._meta.get_field(name).get_col(model._meta.db_table) for name in names]  # type: ignore[union-attr]
    found = [
        [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
        for column in columns
    ]
    return [
        (place, column, converters)
        for place, (column, converters) in enumerate(zip(columns, found, strict=True))
        if converters
    ]
