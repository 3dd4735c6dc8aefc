"""Rules on our own source beyond imports. Each function returns the places that break its rule."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("accounts", "billing", "dubber", "jobs")
LEDGER_MODELS = {"CreditTransaction", "UserCredits"}
LEDGER_RELATIONS = {"credit_transactions", "credits"}
WRITES = {
    "acreate", "aget_or_create", "asave", "aupdate", "aupdate_or_create", "bulk_create",
    "bulk_update", "create", "delete", "get_or_create", "save", "update", "update_or_create",
}  # fmt: skip
AMOUNTS = {"amount", "balance", "balance_after", "owed"}
AT_ONCE = {"gettext", "ngettext", "npgettext", "pgettext"}
PROGRAMS = {"ffmpeg", "ffprobe"}


def sources(root: Path) -> Iterator[tuple[str, ast.Module]]:
    """Yield the path and the syntax tree of every module of ours, migrations left out."""
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            path = file.relative_to(root).as_posix()
            if "/migrations/" not in path:
                yield path, ast.parse(file.read_text(encoding="utf-8"))


def writes_of_credits(root: Path) -> list[str]:
    """Find writes to the ledger's tables outside billing/ledger.py."""
    return [
        f"{path}:{node.lineno}"
        for path, tree in sources(root)
        if path != "billing/ledger.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and writes_credits(node)
    ]


def writes_credits(call: ast.Call) -> bool:
    """Say whether a call builds, or writes through, one of the ledger's models."""
    if isinstance(call.func, ast.Name):
        return call.func.id in LEDGER_MODELS
    if not isinstance(call.func, ast.Attribute):
        return False
    inner = call.func.value
    if isinstance(inner, ast.Call) and writes_credits(inner):
        return False  # which is found by itself
    names = {node.id for node in ast.walk(call.func) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(call.func) if isinstance(node, ast.Attribute)}
    if call.func.attr in LEDGER_MODELS:
        return True
    on_ledger = LEDGER_MODELS & (names | attributes) or LEDGER_RELATIONS & attributes
    return bool(on_ledger) and call.func.attr in WRITES and not leaves_credits_alone(call)


def leaves_credits_alone(call: ast.Call) -> bool:
    """Say whether an update names its columns and none of them holds credits."""
    columns = {keyword.arg for keyword in call.keywords}
    return bool(columns) and columns.isdisjoint({None, *AMOUNTS}) and attr_of(call) == "update"


def attr_of(call: ast.Call) -> str:
    """Return the name of the called method."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def runs_of_ffmpeg(root: Path) -> list[str]:
    """Find argument lists that start with ffmpeg or ffprobe outside jobs/pipeline/ffmpeg.py."""
    return [
        f"{path}:{node.lineno}"
        for path, tree in sources(root)
        if path != "jobs/pipeline/ffmpeg.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.List) and starts_ffmpeg(node)
    ]


def starts_ffmpeg(words: ast.List) -> bool:
    """Say whether the first word of a list names one of the programs."""
    first = words.elts[0] if words.elts else None
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return False
    return Path(first.value).name in PROGRAMS


def texts_of_first_import(root: Path) -> list[str]:
    """Find texts that are translated when a module is imported, so into one language for all."""
    return [
        f"{path}:{call.lineno}"
        for path, tree in sources(root)
        for call in calls_at_import(tree)
        if isinstance(call.func, ast.Name) and call.func.id in names_of_gettext(tree)
    ]


def names_of_gettext(tree: ast.Module) -> set[str]:
    """Return what a module calls the functions that translate at once."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if alias.name in AT_ONCE
    }


def calls_at_import(node: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls outside of functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from calls_at_import(child)
