"""Seeds by the thousand, spread over the processors; or one seed with its story.

python -m tests.simulation --seeds 10000 [--first 0] [--processes N]
python -m tests.simulation --seed 4711
python -m tests.simulation --seeds 200 --store postgres     ends with the same rows there
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.central.postgres import database
from tests.simulation.cells import UNREACHABLE
from tests.simulation.coverage import SEEDS_THAT_MEET_EVERY_CELL, Coverage
from tests.simulation.faults import FAULTS
from tests.simulation.simulate import Outcome, simulate
from tests.simulation.twin import twin

CHUNK = 20
DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN = "<!-- table: written by `make simulate SEEDS=10000 TABLE=1` -->"
END = "<!-- end of table -->"


def written(document: str, lines: list[str]) -> str:
    """The document with these lines in the place of the former ones."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    table = "\n".join(line.rstrip() for line in lines)
    return f"{before}{BEGIN}\n```\n{table}\n```\n{END}{after}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seeds", type=int, help="how many")
    which.add_argument("--seed", type=int, help="this one, with its whole story")
    parser.add_argument("--first", type=int, default=0, help="where to begin")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--hash", action="store_true", help="with --seed: nothing but its hash")
    parser.add_argument("--store", choices=("memory", "postgres"), default="memory")
    parser.add_argument("--write", action="store_true", help="the table goes into the docs")
    options = parser.parse_args()
    if options.seed is not None:
        return one(options.seed, only_hash=options.hash)
    seeds = range(options.first, options.first + options.seeds)
    if options.store == "postgres":
        return both(seeds)
    return many(seeds, options.processes, write=options.write)


def one(seed: int, *, only_hash: bool) -> int:
    outcome = simulate(seed, tell=True)
    if only_hash:
        print(outcome.hash)
    else:
        print(*outcome.story, sep="\n")
        print(f"seed {seed}: {outcome.fault or 'every promise kept'}; {outcome.hash}")
    return 1 if outcome.fault else 0


def both(seeds: range) -> int:
    """Each seed in memory, and the same done to PostgreSQL: every seed that ends differently."""
    began = time.monotonic()
    failed = 0
    with database() as url:
        for seed in seeds:
            if differs := twin(url, seed):
                failed += 1
                print(f"seed {seed}: {differs}", flush=True)
    seconds = time.monotonic() - began
    print(f"{len(seeds)} seeds, {failed} end with other rows in PostgreSQL; {seconds:.0f} s in all")
    return 1 if failed else 0


def many(seeds: range, processes: int, *, write: bool = False) -> int:
    """The table of faults × states, and every seed that failed; the first one's story."""
    began = time.monotonic()
    coverage, failed, parts, seconds = Coverage(), [], 0, 0.0
    for outcome in run(seeds, processes):
        coverage.add(outcome.coverage)
        parts, seconds = parts + outcome.parts, seconds + outcome.seconds
        if outcome.fault:
            failed.append(outcome)
            print(f"seed {outcome.seed}: {outcome.fault}", flush=True)
    print(*coverage.table(FAULTS, UNREACHABLE), sep="\n")
    empty = coverage.empty(FAULTS, UNREACHABLE)
    for fault, phase in empty:
        print(f"never met: {fault} while {phase.value}")
    if failed:
        print(f"\nseed {failed[0].seed}, its story:", *failed[0].story, failed[0].fault, sep="\n")
        causes = Counter(outcome.fault.partition(":")[0] for outcome in failed)
        print(*(f"{count} × {cause}" for cause, count in causes.most_common()), sep="\n")
    told = (
        f"{len(seeds)} seeds, {len(failed)} failed, {len(empty)} cells empty, {parts} parts;"
        f" {seconds / max(1, len(seeds)):.3f} s of processor a seed,"
        f" {time.monotonic() - began:.0f} s in all"
    )
    print(told)
    if write:
        lines = [told, "", *coverage.table(FAULTS, UNREACHABLE)]
        DOCUMENT.write_text(written(DOCUMENT.read_text(), lines))
    return exit_status(len(seeds), failed=len(failed), empty=len(empty))


def exit_status(seeds: int, *, failed: int, empty: int) -> int:
    """Return 1 if a seed failed, or if enough seeds left a cell empty."""
    return 1 if failed or (empty and seeds >= SEEDS_THAT_MEET_EVERY_CELL) else 0


def run(seeds: Iterable[int], processes: int) -> Iterator[Outcome]:
    """The outcomes in the order of the seeds."""
    if processes <= 1:
        yield from map(simulate, seeds)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(simulate, seeds, chunksize=CHUNK)


if __name__ == "__main__":
    sys.exit(main())
