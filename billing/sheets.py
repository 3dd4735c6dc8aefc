"""Tables as CSV that a spreadsheet can open without running what stands in them.

Source: https://owasp.org/www-community/attacks/CSV_Injection.
"""

import csv
from collections.abc import Iterable, Sequence
from itertools import chain

from django.http import StreamingHttpResponse

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a text begins that a spreadsheet takes for a formula."""


class Line:
    """Hands on what is written to it, line by line."""

    def write(self, text: str) -> str:
        """Hand it on."""
        return text


def sheet(
    name: str, heads: Sequence[object], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """A CSV file to download, sent while it is written."""
    write = csv.writer(Line()).writerow
    lines = (write([cell(value) for value in row]) for row in chain([heads], rows))
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def cell(value: object) -> object:
    """A value as it may stand in a sheet: numbers as they are, texts never as a formula."""
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text
