"""The map in docs/architecture.md shows what there is."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_file_of_jobs_stands_on_the_map_once() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    table = text.partition("## Which file of `jobs/`")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and "`" in line]

    shown = sorted(name for row in rows for name in re.findall(r"`(\w+)`", row))

    files = {path.stem for path in (ROOT / "jobs").glob("*.py")} - {"__init__"}
    assert shown == sorted(files | {"views"})
