"""The glossary of a dub that is there already: its terms, and the lines that they are about.

A term counts for lines that are translated after it was written down. So what says it already is
found, and translated anew only when somebody asks for that.
"""

import re
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F

from dubber.errors import NotFound
from jobs.editing import to_edit, touch
from jobs.glossary import Term, glossary_of, replace_glossary
from jobs.models import DubbingJob, LanguageTask, Line
from jobs.options import check_terms


def terms_of(task: LanguageTask) -> list[Term]:
    """The terms of a dub that count for one of its languages."""
    return [term for term in _terms(task.job) if term.get("language") in {None, task.language}]


@transaction.atomic
def add_term(task: LanguageTask, *, source: str, target: str, always: bool = False) -> None:
    """Say a word so in this language from now on; always: in all later jobs of its owner too.

    Takes the place of what was said of that word for this language. Raises UserError
    validation_error, files_expired, and Conflict while a language is made.
    """
    term: Term = {
        "source": " ".join(source.split()),
        "target": " ".join(target.split()) or None,
        "language": task.language,
    }
    job = to_edit(task.job)
    _keep(job, [*(one for one in _terms(job) if not _is_same(one, term)), term])
    if always:
        own = [one for one in glossary_of(job.user) if not _is_same(one, term)]
        replace_glossary(job.user, terms=[*own, term])


@transaction.atomic
def remove_term(task: LanguageTask, *, source: str, always: bool = False) -> None:
    """Say a word as it comes from now on in this language; always: in all later jobs instead.

    Where a term is for all languages, it goes for all. Raises NotFound, and as `add_term` does.
    """
    job = to_edit(task.job)
    there = glossary_of(job.user) if always else _terms(job)
    kept = [
        term
        for term in there
        if term["source"] != source or term.get("language") not in {None, task.language}
    ]
    if len(kept) == len(there):
        raise NotFound("term")
    if always:
        replace_glossary(job.user, terms=kept)
    else:
        _keep(job, kept)


def lines_with(task: LanguageTask, source: str) -> Sequence[Line]:
    """The lines of a language whose original has these words, which a translator would see."""
    words = re.compile(rf"(?<!\w){re.escape(source)}(?!\w)", re.IGNORECASE)
    # What is written without spaces has no ends of words to look for.
    loose = re.compile(re.escape(source), re.IGNORECASE)
    found = words if source.isascii() else loose
    lines = task.lines.filter(mute=False, keep_original=False).select_related("segment")
    return [
        line for line in lines.order_by("segment__index") if found.search(line.segment.text or "")
    ]


@transaction.atomic
def translate_anew(task: LanguageTask, *, source: str) -> int:
    """Have the lines with a word translated when changes are made the next time; how many.

    Whoever is writing at one of them is told. Raises as `add_term` does.
    """
    job = to_edit(task.job)
    lines = [line.pk for line in lines_with(task, source)]
    Line.objects.filter(pk__in=lines).update(stale=True, outdated=True, revision=F("revision") + 1)
    touch(job)
    return len(lines)


def _terms(job: DubbingJob) -> list[Term]:
    return list(job.options.get("glossary", ()))


def _is_same(one: Term, other: Term) -> bool:
    """Say whether two terms are of the same word for the same language."""
    names = [str(term["source"]).casefold() for term in (one, other)]
    return names[0] == names[1] and one.get("language") == other.get("language")


def _keep(job: DubbingJob, terms: list[Term]) -> None:
    check_terms(terms, job.tasks.values_list("language", flat=True))
    job.options = {**job.options, "glossary": terms}
    job.save(update_fields=["options"])
    touch(job)
