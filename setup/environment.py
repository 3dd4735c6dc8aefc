"""The virtual environment and the wheels in it."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from setup.commands import Commands, say

STAMP = "dubber-wheels.json"
CONSTRAINTS = "constraints.txt"


@dataclass(frozen=True, slots=True)
class Requirements:
    """Requirements files that are installed together, and the bytes that they take at most."""

    files: tuple[str, ...]
    space: int


TO_USE = Requirements(("requirements.txt", "requirements-local.txt"), 1_600_000_000)
FOR_FULL_SET = Requirements(("requirements-models.txt",), 1_300_000_000)
TO_DEVELOP = Requirements(("requirements-dev.txt",), 600_000_000)


@dataclass(frozen=True, slots=True)
class Environment:
    """The virtual environment of a clone. Nothing outside it is ever installed with pip."""

    root: Path

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        """Where its wheels are."""
        name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        return self.folder / "lib" / name / "site-packages"

    def works(self) -> bool:
        """Tell whether its Python starts, is this version, at this place, and has a pip."""
        wanted = f"{self.folder} {sys.version_info[0]}.{sys.version_info[1]}"
        ask = "import sys; print(sys.prefix, '%d.%d' % sys.version_info[:2])"
        try:
            answer = subprocess.run(
                [self.python, "-I", "-c", ask],
                capture_output=True,
                text=True,
                timeout=20,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return answer.stdout.strip() == wanted and (self.site_packages / "pip").is_dir()

    def create(self, commands: Commands) -> None:
        """Make it afresh; one that doesn't work goes first. Raises SetupFailed."""
        if self.folder.exists():
            say("The virtual environment in .venv doesn't work here, making it again …")
            shutil.rmtree(self.folder)
        else:
            say("Making the virtual environment .venv …")
        commands.run("Making .venv", sys.executable, "-m", "venv", self.folder, log="venv.log")

    def has(self, asked: Requirements) -> bool:
        """Tell whether those files were installed as they are now and all wheels are there."""
        noted = self._stamp()
        if any(noted.files.get(name) != self.fingerprint(name) for name in asked.files):
            return False
        return noted.wheels <= self._wheels()

    def install(self, asked: Requirements, commands: Commands) -> None:
        """Install what those files list, and only then note that it is done. Raises SetupFailed."""
        say(f"Installing what {' and '.join(asked.files)} list …")
        self._forget_halves()
        files = [part for name in asked.files for part in ("-r", name)]
        pip = ("-m", "pip", "install", "--no-input", "--only-binary", ":all:")
        commands.run("Installing the wheels", self.python, *pip, *files, log="wheels.log")
        done = self._stamp().files | {name: self.fingerprint(name) for name in asked.files}
        text = json.dumps({"files": done, "wheels": sorted(self._wheels())}, indent=1)
        part = self.folder / f"{STAMP}.part"
        part.write_text(text, encoding="utf-8")
        part.replace(self.folder / STAMP)

    def fingerprint(self, name: str) -> str:
        """The hash of a requirements file with its constraints, comments left out."""
        lines = [
            re.sub(r"\s*#.*", "", line)
            for file in (name, CONSTRAINTS)
            for line in (self.root / file).read_text(encoding="utf-8").splitlines()
        ]
        return hashlib.sha256("\n".join(filter(None, lines)).encode()).hexdigest()

    def _wheels(self) -> frozenset[str]:
        """What is wholly installed: pip writes RECORD last."""
        records = self.site_packages.glob("*.dist-info/RECORD")
        return frozenset(record.parent.name for record in records)

    def _forget_halves(self) -> None:
        """Remove the traces of wheels that were cut off, which pip would take for installed."""
        for folder in self.site_packages.glob("*.dist-info"):
            if not (folder / "RECORD").exists():
                shutil.rmtree(folder)

    def _stamp(self) -> "_Stamp":
        try:
            noted = json.loads((self.folder / STAMP).read_text(encoding="utf-8"))
            return _Stamp(dict(noted["files"]), frozenset(noted["wheels"]))
        except (OSError, ValueError, KeyError, TypeError):
            return _Stamp({}, frozenset())


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What was noted after the last installation: hashes by file, and all wheels there were."""

    files: dict[str, str]
    wheels: frozenset[str]
