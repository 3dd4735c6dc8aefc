"""`manage.py dub`: dub one file on this machine, without site, queue or credits."""

import json
import signal
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from jobs import wiring
from jobs.local_desk import LocalDesk
from jobs.pipeline.calls import local_calls
from jobs.pipeline.dub import Deliverables, Dubbed, Options, dub_file
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import find
from jobs.pipeline.probe import Limits
from jobs.results import place, result_name
from jobs.vendors import places

BAD_INPUT, UNAVAILABLE, ENGINE_FAILED, INTERRUPTED = 2, 3, 4, 130


class Command(BaseCommand):
    """Dub one file."""

    help = "Dub a video or a voice track into other languages, on this machine."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument("input", type=Path, help="a video or a voice track")
        parser.add_argument("--to", action="append", required=True, help="language; repeatable")
        parser.add_argument("--background", type=Path, help="music and effects, without the voice")
        parser.add_argument("--source", help="language spoken; detected when not given")
        parser.add_argument("--out", type=Path, default=Path(), help="folder for the results")
        parser.add_argument("--force", action="store_true", help="replace results already there")
        parser.add_argument("--json", action="store_true", help="print one JSON object, no bar")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, and turn every foreseeable failure into one sentence and an exit code."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            report = self.dub(**options)
        except PipelineError as error:
            raise CommandError(str(error), returncode=exit_code(error.code)) from error
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped. Nothing was left behind.", returncode=INTERRUPTED
            ) from None
        if options["json"]:
            self.stdout.write(json.dumps(report, ensure_ascii=False))
        else:
            for line in lines_of(report):
                self.stdout.write(line)

    def dub(self, **options: Any) -> dict[str, Any]:
        """Dub the file, and move the results to their place when all are made."""
        targets = languages(options["to"])
        stem, out = options["input"].stem, options["out"].absolute()
        if not options["force"]:
            refuse_to_replace(out, stem, targets)
        make_folder(out)
        settings.SCRATCH.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=settings.SCRATCH, prefix="dub-") as scratch:
            folder = Path(scratch)
            kept = folder / "kept"
            kept.mkdir()
            desk = LocalDesk(kept, None if options["json"] else sys.stderr)
            with closing(desk), wiring.Workshop(local_calls(places())) as shop:
                dubbed = dub_file(
                    options["input"].absolute(),
                    options["background"] and options["background"].absolute(),
                    targets=targets,
                    hint=options["source"] and find(options["source"]).code,
                    engines=shop.engines(),
                    options=Options(wav=True),
                    limits=Limits(),
                    folder=folder,
                    desk=desk,
                )
            return move_results(dubbed, out, stem)


def languages(asked: list[str]) -> list[str]:
    """The codes of the languages asked for. Raises LANGUAGE_UNKNOWN and LANGUAGE_TWICE."""
    found = [find(code) for code in asked]
    for number, language in enumerate(found):
        if language in found[:number]:
            raise PipelineError("LANGUAGE_TWICE", language=language.name)
    return [language.code for language in found]


def refuse_to_replace(out: Path, stem: str, targets: list[str]) -> None:
    """Raise OUTPUT_EXISTS before any work if a result is already there."""
    for target in targets:
        for there in sorted(out.glob(f"{_escaped(stem)}.{target}.*")):
            raise PipelineError("OUTPUT_EXISTS", path=there)


def _escaped(stem: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in stem)


def make_folder(out: Path) -> None:
    """Make sure that results can be written to `out`, before any work."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise PipelineError("CANNOT_WRITE", path=out, detail=str(error)) from error


def move_results(dubbed: Dubbed, out: Path, stem: str) -> dict[str, Any]:
    """Give every file its name in `out`, and report on it."""
    report: dict[str, Any] = {"source_language": dubbed.transcript.language, "languages": {}}
    for target, made in dubbed.languages.items():
        files = {
            kind: str(place(path, out / result_name(stem, target, kind, path)))
            for kind, path in made.files.items()
        }
        report["languages"][target] = {"files": files, **figures(made)}
    if dubbed.video:
        everything = out / f"{stem}.all{dubbed.video.suffix}"
        report["video"] = str(place(dubbed.video, everything))
    return report


def figures(made: Deliverables) -> dict[str, Any]:
    """What the receipt says, ready for JSON."""
    receipt = made.receipt
    values = {name: getattr(receipt, name) for name in receipt.__slots__}
    return {"receipt": values, "missed": receipt.missed, "sentences": receipt.sentences()}


def exit_code(code: str) -> int:
    """The exit code for a failure: 2 the input, 3 the language, 4 the engines."""
    if code in {"LANGUAGE_UNAVAILABLE", "PAIR_UNAVAILABLE", "LANGUAGE_UNKNOWN"}:
        return UNAVAILABLE
    if code.startswith(("ENGINE_", "VENDOR_", "MODEL_", "MEDIA_TOOL", "OUT_OF_TIME", "NO_SPACE")):
        return ENGINE_FAILED
    return BAD_INPUT


def lines_of(report: Mapping[str, Any]) -> list[str]:
    """The report as a person reads it."""
    lines = []
    for target, made in report["languages"].items():
        lines += ["", find(target).name, *(f"  {sentence}" for sentence in made["sentences"])]
        lines += [f"  {path}" for path in made["files"].values()]
    return [*lines, *([f"  {report['video']}"] if "video" in report else [])]
