"""A person's own glossary: words that are said in a certain way in all of their jobs."""

from collections.abc import Collection, Mapping, Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from dubber.errors import UserError
from jobs.models import GlossaryEntry
from jobs.options import check_terms
from jobs.pipeline.languages import LANGUAGES

Term = Mapping[str, str | None]
"""source, target (None: as it is) and language (None: all), as in a job's option `glossary`."""


def glossary_of(user: User) -> list[Term]:
    """A person's terms, in the order in which they were given."""
    return [
        {
            "source": entry.source,
            "target": entry.target or None,
            "language": entry.language or None,
        }
        for entry in GlossaryEntry.objects.filter(user=user).order_by("pk")
    ]


@transaction.atomic
def replace_glossary(user: User, *, terms: Collection[Term]) -> list[Term]:
    """Put these terms in place of all earlier ones, which jobs that were ordered before keep.

    Raises UserError validation_error for too many, for terms that aren't any, and for two that
    contradict each other.
    """
    check_terms(list(terms), LANGUAGES)
    entries = [
        GlossaryEntry(
            user=user,
            source=str(term["source"]).strip(),
            target=(term["target"] or "").strip(),
            language=term.get("language") or "",
        )
        for term in terms
    ]
    if len({(entry.source.lower(), entry.language) for entry in entries}) < len(entries):
        raise UserError(
            "validation_error", _("Give each term once for a language."), option="glossary"
        )
    User.objects.select_for_update().get(pk=user.pk)  # one at a time: a term is there once
    GlossaryEntry.objects.filter(user=user).delete()
    GlossaryEntry.objects.bulk_create(entries)
    return glossary_of(user)


def with_own_terms(user: User, chosen: Sequence[Term]) -> list[Term]:
    """The terms of a job (`chosen`), after those of the person's own that they say nothing about.

    What the job says of a word counts for all languages that it says it for.
    """
    said = {(str(term["source"]).strip().lower(), term.get("language")) for term in chosen}
    own = [
        term
        for term in glossary_of(user)
        if not {(str(term["source"]).lower(), language) for language in (None, term["language"])}
        & said
    ]
    return [*own, *chosen]
