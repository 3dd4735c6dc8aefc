"""Fetch one file over HTTPS: `python -m setup.download ADDRESS FILE`.

A program of its own, so that set-up can stop it, and what goes wrong is in a log file.
"""

import shutil
import sys
from pathlib import Path
from urllib.request import urlopen

SECONDS = 60.0  # without a byte


def download(address: str, target: Path) -> None:
    """Write what is at `address`, which must be https://, to `target`."""
    if not address.startswith("https://"):
        raise ValueError(f"{address} isn't an https:// address")
    with urlopen(address, timeout=SECONDS) as answer, target.open("wb") as file:  # noqa: S310
        shutil.copyfileobj(answer, file, 1 << 20)


if __name__ == "__main__":
    download(sys.argv[1], Path(sys.argv[2]))
