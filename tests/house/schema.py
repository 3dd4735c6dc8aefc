"""A database's schema as a plain value that can be compared.

The names of constraints and the order of columns are left out.
"""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

FACTS = ("primary_key", "unique", "foreign_key", "check", "index", "type", "orders")


def schema(connection: BaseDatabaseWrapper, prefix: str) -> dict[str, Any]:
    """Describe every table whose name starts with `prefix`."""
    with connection.cursor() as cursor:
        tables = [
            table.name
            for table in connection.introspection.get_table_list(cursor)
            if table.name.startswith(prefix)
        ]
        return {table: describe(connection, cursor, table) for table in tables}


def describe(connection: BaseDatabaseWrapper, cursor: Any, table: str) -> dict[str, Any]:
    """Describe one table: its columns, and the constraints and indexes on them."""
    introspection = connection.introspection
    columns = {
        column.name: (
            introspection.get_field_type(column.type_code, column),
            column.display_size,
            column.internal_size,
            column.precision,
            column.scale,
            column.null_ok,
            column.default,
            column.collation,
        )
        for column in introspection.get_table_description(cursor, table)
    }
    constraints = sorted(
        repr((sorted(constraint["columns"] or []), [constraint.get(fact) for fact in FACTS]))
        for constraint in introspection.get_constraints(cursor, table).values()
    )
    return {"columns": columns, "constraints": constraints}
