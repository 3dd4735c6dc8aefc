"""How much processor time our own work costs: `python -m tests.bench.processor MINUTES`.

Dubs the same recording twice with the same desk. The second time everything that engines made is
remembered, so what it costs is ours: decoding, stretching, placing, mixing, measuring, encoding.
Prints JSON.
"""

import json
import os
import sys
import tempfile
from pathlib import Path


def measure(minutes: float, folder: Path) -> dict[str, object]:
    """Dub twice, and give the cost of the second time for each second of the source."""
    from jobs import wiring
    from jobs.local_desk import LocalDesk
    from jobs.pipeline.dub import Engines, Options, dub_file
    from jobs.pipeline.probe import Limits
    from jobs.workers import processor_seconds
    from tests.bench.material import Prompted, make_material

    material = make_material(folder, minutes=minutes)
    engines = Engines(Prompted(material.utterances), wiring.route, hearing=None)
    kept = folder / "kept"
    kept.mkdir()
    for turn in ("first", "second"):
        (folder / turn).mkdir()
        before = processor_seconds()
        dubbed = dub_file(
            material.voice,
            material.background,
            targets=["es"],
            hint="en",
            engines=engines,
            options=Options(),
            limits=Limits(),
            folder=folder / turn,
            desk=LocalDesk(kept, None),
        )
    receipt = dubbed.languages["es"].receipt
    return {
        "minutes": minutes,
        "processor_share": round((processor_seconds() - before) / (minutes * 60), 4),
        "lines": receipt.lines,
        "missed": receipt.missed,
        "receipt": receipt.sentences(),
    }


def main() -> None:
    """Measure with settings of its own."""
    with tempfile.TemporaryDirectory(prefix="dubber-bench-") as scratch:
        from tests.conftest import set_environment

        folder = Path(scratch)
        set_environment(folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "dubber.settings"
        import django

        django.setup()
        sys.stdout.write(json.dumps(measure(float(sys.argv[1]), folder)) + "\n")


if __name__ == "__main__":
    main()
