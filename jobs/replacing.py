"""Find and replace in all lines of one language."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jobs import editing, wiring
from jobs.editing import Change
from jobs.models import LanguageTask, Line
from jobs.pipeline.dub import Engines


@dataclass(frozen=True, slots=True)
class Replacement:
    """One line that would be changed; fits says whether it has room for its new wording."""

    line: Line
    before: str
    after: str
    fits: bool


def replacements(task: LanguageTask, *, find: str, replacement: str) -> Sequence[Replacement]:
    """The lines that say `find`, exactly so, and what they would say instead."""
    if not find.strip() or find == replacement:
        return []
    rooms = editing.rooms_of(task.job)
    found = []
    for line in task.lines.select_related("segment").order_by("segment__index"):
        before = line.text if line.stale else line.spoken or line.text
        if find not in before:
            continue
        after = " ".join(before.replace(find, replacement).split())
        most = editing.most_chars(rooms[line.segment.index])
        found.append(Replacement(line, before, after, fits=0 < len(after) <= most))
    return found


def replace(
    task: LanguageTask,
    *,
    find: str,
    replacement: str,
    engines: Callable[[], Engines] = wiring.engines,
) -> int:
    """Replace it in every line that has room for it; how many those are.

    Raises UserError as `editing.edit_lines` does.
    """
    changes = [
        Change(id=one.line.pk, revision=one.line.revision, text=one.after)
        for one in replacements(task, find=find, replacement=replacement)
        if one.fits
    ]
    if changes:
        editing.edit_lines(task.job, language=task.language, changes=changes, engines=engines)
    return len(changes)
