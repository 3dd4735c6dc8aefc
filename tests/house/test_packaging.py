"""What the files around the code promise: pins, compose files, the Makefile."""

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = {"accounts", "billing", "dubber", "jobs", "setup", "tests"}
OFFLINE = {"faster_whisper", "py_nanotts"}
LARGER = {"jieba", "kokoro_onnx", "misaki", "onnxruntime", "xllamacpp"}


def pins(name: str) -> dict[str, Requirement]:
    """What a requirements file pins, by canonical name."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    texts = [line.partition("#")[0].strip() for line in lines]
    asked = [Requirement(text) for text in texts if text and not text.startswith("-")]
    return {canonicalize_name(one.name): one for one in asked}


def imported(*folders: str) -> set[str]:
    """The top-level packages that our files import."""
    names = set()
    for folder in folders:
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names.add(node.module.partition(".")[0])
    return names - OURS - set(sys.stdlib_module_names)


def unpinned(names: set[str], asked: dict[str, Requirement]) -> set[str]:
    """The imported packages whose distribution isn't asked for."""
    owners = importlib.metadata.packages_distributions()
    return {
        name
        for name in names
        if not {canonicalize_name(owner) for owner in owners[name]} & set(asked)
    }


def needed(asked: dict[str, Requirement]) -> Iterator[str]:
    """Everything that the pins pull in, by canonical name, themselves included."""
    todo, seen = list(asked.values()), set()
    while todo:
        one = todo.pop()
        name = canonicalize_name(one.name)
        if (name, frozenset(one.extras)) in seen:
            continue
        seen.add((name, frozenset(one.extras)))
        yield name
        for text in importlib.metadata.requires(name) or []:
            pulled = Requirement(text)
            extras = [{"extra": extra} for extra in one.extras] or [{"extra": ""}]
            if pulled.marker is None or any(map(pulled.marker.evaluate, extras)):
                todo.append(pulled)


def test_production_pins_all_that_the_code_imports() -> None:
    names = imported("accounts", "billing", "dubber", "jobs") - OFFLINE - LARGER

    assert unpinned(names, pins("requirements.txt")) == set()


def test_the_offline_engines_are_pinned_apart() -> None:
    assert unpinned(OFFLINE, pins("requirements-local.txt")) == set()


def test_the_larger_models_libraries_are_pinned_apart() -> None:
    # Most machines don't have them, so that only their names can be compared.
    assert {canonicalize_name(name) for name in LARGER} <= set(pins("requirements-models.txt"))


def test_tests_import_nothing_that_is_not_pinned() -> None:
    files = ("requirements.txt", "requirements-local.txt", "requirements-dev.txt")
    asked = {name: pin for file in files for name, pin in pins(file).items()}

    assert unpinned(imported("tests") - {"_pytest", "packaging"}, asked) == set()


def test_set_up_needs_nothing_but_the_standard_library() -> None:
    assert imported("setup") == set()


@pytest.mark.parametrize(
    "file",
    [
        "requirements.txt",
        "requirements-local.txt",
        "requirements-dev.txt",
        pytest.param("requirements-models.txt", marks=pytest.mark.fullset),
    ],
)
def test_everything_that_is_pulled_in_is_pinned_at_what_is_installed(file: str) -> None:
    exact = pins("constraints.txt") | pins(file)
    others = {name for name in needed(pins(file)) if name not in exact}
    shared = {name for other in ROOT.glob("requirements*.txt") for name in pins(other.name)}

    assert others <= shared
    for name in needed(pins(file)):
        if name in exact:
            assert str(exact[name].specifier) == f"=={importlib.metadata.version(name)}"


@pytest.mark.parametrize("file", ["compose.yaml", "compose.prod.yaml"])
def test_compose_sets_only_variables_that_there_are(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    settings = text.partition("x-settings:")[2].partition("services:")[0]
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    known = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))

    named = set(re.findall(r"^  ([A-Z][A-Z0-9_]+):", settings, re.MULTILINE))

    assert named
    assert named <= known


def test_behind_a_proxy_customers_have_addresses_of_their_own() -> None:
    text = (ROOT / "compose.prod.yaml").read_text(encoding="utf-8")

    assert 'DUBBER_PROXY_SAYS_HTTPS: "true"' in text
    assert "DUBBER_TRUSTED_PROXIES: ${DUBBER_TRUSTED_PROXIES:-1}" in text


def test_make_alone_tells_every_target_that_is_promised() -> None:
    told = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    for target in (
        "setup",
        "demo",
        "run",
        "test",
        "check",
        "bench",
        "soak",
        "models",
        "models-base",
    ):
        assert re.search(rf"^  make {target} +[A-Z]", told, re.MULTILINE)
