"""Every import contract and every rule on our source holds, and is broken by what it forbids."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.rules import PACKAGES, runs_of_ffmpeg, texts_of_first_import, writes_of_credits

ROOT = Path(__file__).resolve().parent.parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
# What each contract forbids: a module that may be new, and the import that it must not hold.
FORBIDDEN = [
    ("floors", "accounts/models.py", "import billing.models"),
    ("floors", "billing/broken.py", "import jobs.states"),
    ("floors", "jobs/broken.py", "import accounts.urls"),
    ("project", "jobs/broken.py", "from dubber import settings"),
    ("foundation", "dubber/errors.py", "import billing.plans"),
    ("pipeline", "jobs/pipeline/broken.py", "from django.conf import settings"),
    ("pipeline", "jobs/pipeline/broken.py", "import openai"),
    ("pipeline", "jobs/pipeline/broken.py", "import jobs.states"),
    ("pipeline", "jobs/pipeline/broken.py", "import dubber.errors"),
    ("providers", "jobs/providers/broken.py", "import jobs.states"),
    ("providers", "jobs/providers/broken.py", "import django.conf"),
    ("wiring", "jobs/broken.py", "from jobs.providers import pico"),
    ("engines", "jobs/broken.py", "import faster_whisper"),
    ("queue", "jobs/broken.py", "import django_q.tasks"),
    ("stripe", "jobs/broken.py", "import stripe"),
    ("ffmpeg", "jobs/pipeline/broken.py", "import ffmpeg"),
]


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of the project at `root`."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=root,
        env={**os.environ, "COLUMNS": "200"},  # so that no title is broken in two
        capture_output=True,
        text=True,
        check=False,
    )


def write(root: Path, path: str, line: str) -> None:
    """Add a line to a module, which may be new."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    with (root / path).open("a") as module:
        module.write(f"\n{line}\n")


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Break every contract in a copy of our source; return what is said of each."""
    copy = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, copy / package, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", copy)
    for _, path, line in FORBIDDEN:
        write(copy, path, line)
    said = lint(copy).stdout.partition("Broken contracts")[2]
    titles = {str(contract["name"]): str(contract["id"]) for contract in CONTRACTS}
    parts = re.split(rf"^({'|'.join(map(re.escape, titles))})\n-+$", said, flags=re.MULTILINE)
    return {titles[title]: text for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def test_every_contract_is_kept() -> None:
    done = lint(ROOT)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("contract", "path", "line"), FORBIDDEN)
def test_a_contract_is_broken_by_what_it_forbids(
    complaints: dict[str, str], contract: str, path: str, line: str
) -> None:
    module = path.removesuffix(".py").replace("/", ".")
    package = line.split()[1].partition(".")[0]

    assert re.search(rf"^- +{module} -> {package}\b", complaints[contract], re.MULTILINE)


def test_every_contract_is_broken_on_purpose() -> None:
    assert {contract["id"] for contract in CONTRACTS} == {name for name, _, _ in FORBIDDEN}


def test_every_module_of_accounts_stands_on_a_floor() -> None:
    layers = next(contract["layers"] for contract in CONTRACTS if contract["id"] == "floors")
    named = {name.strip("() ") for layer in layers for name in layer.split(":")}

    found = {
        f"accounts.{path.stem}"
        for path in (ROOT / "accounts").iterdir()
        if path.stem not in {"__init__", "__pycache__"}
    }

    assert found <= named


def test_only_the_ledger_writes_credits() -> None:
    assert writes_of_credits(ROOT) == []


@pytest.mark.parametrize(
    "line",
    [
        "CreditTransaction.objects.create(amount=1)",
        "models.CreditTransaction(amount=1).save()",
        "UserCredits.objects.filter(user=user).update(plan=plan, balance=1)",
        "UserCredits.objects.filter(user=user).update(**columns)",
        "user.credits.save()",
        "user.credit_transactions.create(amount=1)",
    ],
)
def test_a_write_of_credits_elsewhere_is_found(tmp_path: Path, line: str) -> None:
    write(tmp_path, "jobs/broken.py", line)

    assert writes_of_credits(tmp_path) == ["jobs/broken.py:2"]


def test_only_one_module_runs_ffmpeg() -> None:
    assert runs_of_ffmpeg(ROOT) == []


@pytest.mark.parametrize("program", ["ffmpeg", "ffprobe", "/usr/bin/ffmpeg"])
def test_another_run_of_ffmpeg_is_found(tmp_path: Path, program: str) -> None:
    write(tmp_path, "jobs/broken.py", f"subprocess.run(['{program}', '-version'])")

    assert runs_of_ffmpeg(tmp_path) == ["jobs/broken.py:2"]


def test_no_text_is_translated_when_a_module_is_imported() -> None:
    assert texts_of_first_import(ROOT) == []


def test_a_text_that_is_translated_too_early_is_found(tmp_path: Path) -> None:
    write(tmp_path, "jobs/broken.py", "from django.utils.translation import gettext as _")
    write(tmp_path, "jobs/broken.py", 'WORDS = {"a": _("A")}')

    assert texts_of_first_import(tmp_path) == ["jobs/broken.py:4"]
