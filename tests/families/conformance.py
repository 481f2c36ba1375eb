"""Every driver against its simulator: does each property hold?

python -m tests.families.conformance [NAME ...] [--only PROPERTY] [--points 12] [--write]
"""

import argparse
import asyncio
import logging
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from conformance.run import Result, chosen, properties, tried
from tests.families import ROOT, devices
from tests.families import chosen as chosen_devices
from tests.families.rigs import rigged
from tests.support.document import put

DOCUMENT = ROOT / "docs" / "conformance.md"
BEGIN = "<!-- conformance: written by `make conformance TABLE=1` -->"
END = "<!-- end of conformance -->"
SECONDS = 1800.0


def one(name: str, prop: str, points: int) -> tuple[Result, float]:
    """One property of one family, on a device of its own."""
    logging.disable(logging.CRITICAL)  # drivers tell of each fault that is let in
    family, began = devices()[name], time.monotonic()
    attempt = properties(family.role, marks=True)[prop]
    result = asyncio.run(tried(prop, attempt, partial(rigged, family, points), SECONDS))
    return result, time.monotonic() - began


def former(text: str) -> dict[str, dict[str, str]]:
    """The verdicts of a table by family, so that a run of some families keeps the others'."""
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in text.strip().splitlines()]
    if len(rows) < 2:
        return {}
    return {
        name: {row[0]: row[at] for row in rows[2:] if row[at] != "–"}
        for at, name in enumerate(rows[0])
        if name
    }


def table(results: dict[str, dict[str, str]]) -> str:
    """Markdown: a line a property, a column a family."""
    names = list(dict.fromkeys(prop for found in results.values() for prop in found))
    lines = [f"| | {' | '.join(results)} |", f"|--{'|--' * len(results)}|"]
    for prop in names:
        cells = [found.get(prop, "–") for found in results.values()]
        lines.append(f"| {prop} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of families' names; all where none")
    parser.add_argument("--only", action="append", default=[], help="part of a property's name")
    parser.add_argument("--points", type=int, default=12, help="of a conversation, for each fault")
    parser.add_argument("--processes", type=int, default=4, help="most of it is waiting")
    parser.add_argument("--write", action="store_true", help="the table goes into the docs")
    options = parser.parse_args()
    asked = {
        name: list(chosen(options.only, properties(family.role, marks=True)))
        for name, family in chosen_devices(options.names, devices()).items()
    }
    if not any(asked.values()):
        parser.error("nothing is tried: no family or no property has such a name")
    results: dict[str, dict[str, Result]] = {}
    with ProcessPoolExecutor(options.processes) as pool:
        runs = {
            (name, prop): pool.submit(one, name, prop, options.points)
            for name, props in asked.items()
            for prop in props
        }
        for (name, prop), run in runs.items():
            result, seconds = run.result()
            print(f"{name}: {result.line()} ({seconds:.0f} s)", flush=True)
            results.setdefault(name, {})[prop] = result
    if options.write:
        told = former(DOCUMENT.read_text("utf-8").partition(BEGIN)[2].partition(END)[0])
        for name, found in results.items():
            verdicts = {prop: each.verdict for prop, each in found.items()}
            told[name] = {**told.get(name, {}), **verdicts}
        put(DOCUMENT, BEGIN, END, table(dict(sorted(told.items()))))
    bad = [each for found in results.values() for each in found.values() if each.why]
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
