"""`make bench`: every measurement, each in a process of its own, with what it must reach."""

import argparse
import json
import subprocess
import sys
from typing import Any


def run(module: str, *args: str) -> dict[str, Any]:
    """Give what one measurement prints."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.bench.{module}", *args],
        check=True,
        stdout=subprocess.PIPE,
    )
    return dict(json.loads(done.stdout))


def main() -> None:
    """Measure, print a table, and fail when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", type=float, default=60, help="minutes of the long recording")
    parser.add_argument("--short", type=float, default=3, help="minutes of the short recording")
    options = parser.parse_args()
    short = run("memory", str(options.short))
    long = run("memory", str(options.long))
    cost = run("processor", "10")
    three = run("latency", "10", "3")
    growth = long["peak_mb"] - short["peak_mb"]
    rows = (
        (
            f"worker memory, {options.short:g} min",
            f"{short['peak_mb']} MB",
            short["peak_mb"] <= 300,
        ),
        (f"worker memory, {options.long:g} min", f"{long['peak_mb']} MB", long["peak_mb"] <= 300),
        ("growth with length", f"{growth:+.1f} MB", abs(growth) <= 30),
        (
            "own processor time per second of source, 10 min",
            f"{cost['processor_share']:.3f}",
            cost["processor_share"] <= 0.10,
        ),
        (
            "time beside vendors, 3 languages, 10 min, to its lower bound",
            f"{three['ratio to the bound']:.2f}",
            three["ratio to the bound"] <= 1.3,
        ),
        ("receipt, 10 min", "; ".join(cost["missed"]) or "all targets met", not cost["missed"]),
    )
    for name, value in three.items():
        sys.stdout.write(f"      beside vendors, 3 languages, 10 min: {name} {value}\n")
    for name, value, reached in rows:
        sys.stdout.write(f"{'ok  ' if reached else 'MISS'}  {name}: {value}\n")
    sys.exit(not all(reached for *_, reached in rows))


if __name__ == "__main__":
    main()
