"""`python -m bench`: measure, print a table, and keep it in bench/results/latest.json."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import machine
from bench.measure import Measurement

RESULTS = Path(__file__).parent / "results" / "latest.json"
Part = Callable[[bool, dict[str, Any]], list[Measurement]]


# Each part is imported where it runs: a worker process imports this module, and should be quick.


def _station(quick: bool, about: dict[str, Any]) -> list[Measurement]:
    from bench import station

    return [station.run(rounds=1, seconds=0.3) if quick else station.run(rounds=5, seconds=2)]


def _ingest(quick: bool, about: dict[str, Any]) -> list[Measurement]:
    from bench import ingest

    return ingest.run(ingest.QUICK if quick else ingest.FULL, about)


def _latency(quick: bool, about: dict[str, Any]) -> list[Measurement]:
    from bench import latency

    return [latency.run(rounds=1, parts=8) if quick else latency.run(rounds=5, parts=100)]


def _register(quick: bool, about: dict[str, Any]) -> list[Measurement]:
    from bench import register

    size, state = about.pop("size"), about.pop("state")
    asked = register.QUICK if quick else register.FULL
    return register.run(asked if size is None else replace(asked, marks=size), about, state)


def _live(quick: bool, about: dict[str, Any]) -> list[Measurement]:
    from bench import live

    return live.run(live.QUICK if quick else live.FULL)


def _pages(quick: bool, about: dict[str, Any]) -> list[Measurement]:
    from bench import pages

    return pages.run(rounds=1 if quick else 3, quick=quick)


def _warehouse(quick: bool, about: dict[str, Any]) -> list[Measurement]:
    from bench import warehouse

    return warehouse.run(rounds=1, scans=200) if quick else warehouse.run(rounds=3, scans=1_000)


def _drivers(quick: bool, about: dict[str, Any]) -> list[Measurement]:
    from bench import drivers

    return drivers.run(drivers.QUICK if quick else drivers.FULL)


PARTS: dict[str, Part] = {
    "station": _station,
    "ingest": _ingest,
    "latency": _latency,
    "register": _register,
    "live": _live,
    "pages": _pages,
    "warehouse": _warehouse,
    "drivers": _drivers,
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it works")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; repeatable")
    parser.add_argument(
        "--out", type=Path, help=f"the JSON file ({RESULTS.parent.name}/{RESULTS.name})"
    )
    parser.add_argument("--size", type=int, help="marks of the register that is measured")
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="where such a register stands, or will; else in the temporary folder",
    )
    options = parser.parse_args(arguments)
    folder = Path(tempfile.gettempdir())
    about = machine.describe(folder) | {"size": options.size, "state": options.state}
    found: list[Measurement] = []
    for name in options.only or PARTS:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        for measurement in PARTS[name](options.quick, about):
            found.append(measurement)
            print(measurement.to_text(), end="\n\n", flush=True)
    about = {name: value for name, value in about.items() if name not in ("size", "state")}
    about["load_after"] = round(os.getloadavg()[0], 2)
    print(machine.to_text(about))
    if about["disk"]["type"] in machine.IN_MEMORY:
        print(f"{folder} is in memory: set TMPDIR to a folder on a disk", file=sys.stderr)
    # A part of it, or a hurried look, must not pass for the whole.
    out = options.out or (None if options.quick or options.only else RESULTS)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        whole = {"machine": about, "quick": options.quick} | {
            "measurements": {each.name: each.to_json() for each in found}
        }
        out.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", "utf-8")
        print(f"written to {out}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
