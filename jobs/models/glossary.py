"""Words that a person wants said in a certain way, in every job."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from jobs.pipeline.languages import LANGUAGES

LONGEST_TERM = 100


class GlossaryEntry(models.Model):
    """One term of a person's glossary.

    source is the word in recordings, target how it is said ("": as it is), language the one that
    this is for ("": all). Upper and lower case of the source don't matter.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="glossary"
    )
    source = models.CharField(max_length=LONGEST_TERM)
    target = models.CharField(
        max_length=LONGEST_TERM, blank=True, help_text=_("How it is said; empty: as it is.")
    )
    language = models.CharField(
        max_length=8,
        blank=True,
        choices=[(code, language.name) for code, language in LANGUAGES.items()],
        help_text=_("For which language; empty: for all."),
    )

    class Meta:
        verbose_name = _("term of a glossary")
        verbose_name_plural = _("terms of glossaries")
        ordering = ["user_id", "id"]
        constraints = [
            models.UniqueConstraint(
                "user", Lower("source"), "language", name="glossary_term_once_per_language"
            ),
            models.CheckConstraint(name="glossary_term_is_a_word", condition=~Q(source="")),
            models.CheckConstraint(
                name="glossary_language_known", condition=Q(language__in=["", *LANGUAGES])
            ),
        ]

    def __str__(self) -> str:
        return self.source
