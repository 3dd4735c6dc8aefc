"""The catalogue in locale/ holds every text of the templates and of the pipeline's failures."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.template import Template
from django.template.loader import get_template
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.utils.translation import trim_whitespace

from jobs.pipeline.errors import FAILURES

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "locale" / "en" / "LC_MESSAGES" / "django.po"
ENTRY = re.compile(r'^msgid(?:_plural)? ((?:".*"\n)+)', re.MULTILINE)
ESCAPES = {r"\"": '"', r"\n": "\n", r"\t": "\t", r"\\": "\\"}


def catalogued() -> set[str]:
    """Every text of the catalogue."""
    found = ENTRY.findall(CATALOGUE.read_text(encoding="utf-8"))
    joined = ("".join(re.findall(r'^"(.*)"$', entry, re.MULTILINE)) for entry in found)
    return {re.sub(r'\\["nt\\]', lambda one: ESCAPES[one[0]], text) for text in joined}


def texts_of(template: Any) -> Iterator[str]:
    """Every text of a template that is translated."""
    node: Any
    for node in template.nodelist.get_nodes_by_type(TranslateNode):
        literal = node.filter_expression.var
        if hasattr(literal, "literal"):  # a variable may be translated too
            yield literal.literal.replace("%", "%%")  # as makemessages writes it
        elif isinstance(literal, str):
            yield literal.replace("%", "%%")
    for node in template.nodelist.get_nodes_by_type(BlockTranslateNode):
        for tokens in (node.singular, node.plural):
            if tokens:
                text, _names = node.render_token_list(tokens)
                yield trim_whitespace(text) if node.trimmed else text


def templates() -> Iterator[tuple[str, Any]]:
    """Our templates by name."""
    for folder in (ROOT / "templates", ROOT / "billing" / "templates"):
        for path in sorted((*folder.rglob("*.html"), *folder.rglob("*.txt"))):
            name = path.relative_to(folder).as_posix()
            loaded: Any = get_template(name)
            yield name, loaded.template


def test_every_text_of_the_templates_is_in_the_catalogue() -> None:
    known = catalogued()

    missing = {
        (name, text) for name, one in templates() for text in texts_of(one) if text not in known
    }

    assert missing == set(), "Run: make messages"


def test_every_failure_is_in_the_catalogue() -> None:
    known = catalogued()

    missing = {row.sentence for row in FAILURES.values()} - known

    assert missing == set(), "Run: make messages"


def test_texts_are_found_in_every_kind_of_tag() -> None:
    template = Template(
        "{% load i18n %}{% translate 'One' %}{% translate 'Two' as two %}"
        "{% blocktranslate count n=1 trimmed %}\n {{ n }} line\n{% plural %}\n {{ n }} lines\n"
        "{% endblocktranslate %}{% if x %}{% translate 'Three' %}{% endif %}"
    )

    assert sorted(texts_of(template)) == ["%(n)s line", "%(n)s lines", "One", "Three", "Two"]


def test_the_catalogue_is_read_as_it_is_written() -> None:
    known = catalogued()

    assert "Sign in" in known
    assert len(known) > 300
