"""`make matrix`: the demo with every marker and every reader, with faults, pair after pair.

    python -m tests.matrix [--parts 50] [--only telesis] [--seed N]

Prints a line a pair, and at the end the table. Exit 0: in each pair the metal and the register
agree, nothing is lost, doubled or unaccounted for, and what is not good was met by a fault.
"""

import argparse
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from simulators.demo.equipment import MARKERS, READERS
from tests.e2e.demo import Demo, state_folder


@dataclass(frozen=True)
class Pair:
    """How a demo with these two ended."""

    marker: str
    reader: str
    said: str
    good: bool


def main() -> int:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", type=int, default=50, help="weapons, and cartons, of each pair")
    parser.add_argument("--only", default="", metavar="KIND", help="pairs with this device alone")
    parser.add_argument("--seed", type=int, help="decides which part meets which fault")
    arguments = parser.parse_args()
    seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    pairs = [
        (marker, reader)
        for marker in MARKERS
        for reader in READERS
        if arguments.only in ("", marker, reader)
    ]
    if not pairs:
        parser.error(f"--only is one of {', '.join([*MARKERS, *READERS])}")
    print(f"matrix: {len(pairs)} pairs, seed {seed}", flush=True)
    ended = list(_run(pairs, arguments.parts, seed))
    print(_table(ended))
    return 0 if all(pair.good for pair in ended) else 1


def _run(pairs: list[tuple[str, str]], parts: int, seed: int) -> Iterator[Pair]:
    for marker, reader in pairs:
        began = time.monotonic()
        with state_folder() as state:
            asked = ["--marker", marker, "--reader", reader, "--once", "--parts", str(parts)]
            demo = Demo.start(state, *asked, "--faults", "--json", "--seed", str(seed))
            try:
                _, counted = demo.ended()
                said = f"{counted['engraved']} engraved, {counted['good']} good"
                pair = Pair(marker, reader, said, good=True)
            except (AssertionError, subprocess.TimeoutExpired) as fault:
                pair = Pair(marker, reader, str(fault), good=False)
        seconds = time.monotonic() - began
        print(f"{marker} x {reader}: {pair.said}, {seconds:.0f} s", flush=True)
        yield pair


def _table(pairs: list[Pair]) -> str:
    readers = list(dict.fromkeys(pair.reader for pair in pairs))
    cells = {(pair.marker, pair.reader): "held" if pair.good else "FAILED" for pair in pairs}
    rows = [
        f"| {marker} | {' | '.join(cells[marker, reader] for reader in readers)} |"
        for marker in dict.fromkeys(pair.marker for pair in pairs)
    ]
    return "\n".join([f"| | {' | '.join(readers)} |", f"|---{'|---' * len(readers)}|", *rows])


if __name__ == "__main__":
    sys.exit(main())
