"""Plant each bug into a copy of the tree and let the simulation find it.

python -m tests.simulation.mutants [NAME ...] [--seeds 2000] [--processes N] [--write]

A bug is found by a seed that breaks a promise with it and keeps all of them without it. The seed
that a patch names is tried first, then all seeds from 0; `--write` tries only the latter, since its
table lists the first seed. Exits 1 where a bug survives, where a patch no longer applies, and where
a seed fails without any bug.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.simulation.mutants.patches import ROOT, DoesNotApply, Mutant, copied, mutants
from tests.simulation.mutants.report import Result, write

DOCUMENT = ROOT / "docs" / "reliability.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of names; all where there are none")
    parser.add_argument("--seeds", type=int, default=2000, help="within which each must be found")
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, help="how many bugs side by side"
    )
    parser.add_argument("--write", action="store_true", help="the table goes into the docs")
    options = parser.parse_args()
    chosen = [
        mutant
        for mutant in mutants()
        if not options.names or any(name in mutant.name for name in options.names)
    ]
    began = time.monotonic()
    # The code as it stands now, whatever becomes of the checkout meanwhile.
    with copied() as sound, ThreadPoolExecutor(options.processes) as pool:
        hunts = [
            pool.submit(hunted, sound, options.seeds, mutant, named_first=not options.write)
            for mutant in chosen
        ]
        for done in as_completed(hunts):
            print(done.result().line(), flush=True)
    results = [hunt.result() for hunt in hunts]
    found = [result for result in results if result.seed is not None]
    sick = sorted({seed for result in results for seed in result.sick})
    if sick:
        print(f"without any bug these seeds fail: {', '.join(map(str, sick))}")
    print(f"{len(found)} of {len(results)} found, {time.monotonic() - began:.0f} s in all")
    if options.write:
        write(DOCUMENT, results)
    return 0 if len(found) == len(results) and not sick else 1


def hunted(sound: Path, seeds: int, mutant: Mutant, *, named_first: bool) -> Result:
    """Try seed after seed on a mutant; each that fails, on the sound tree too."""
    seconds = 0.0
    sick: list[int] = []
    ranges = [range(mutant.seed, mutant.seed + 1)] if named_first else []
    ranges.append(range(seeds))
    with copied(sound) as tree:
        try:
            mutant.plant(tree)
        except DoesNotApply as error:
            return Result(mutant, error=str(error))
        for untried in ranges:
            while untried:
                try:
                    seed, fault, took = _hunt(tree, untried)
                    seconds += took
                    if seed is None:
                        break
                    if _hunt(sound, range(seed, seed + 1))[0] is None:
                        return Result(mutant, seed, fault, seconds, sick=tuple(sick))
                except subprocess.CalledProcessError as error:
                    last = error.stderr.strip().splitlines()[-1]
                    return Result(mutant, error=f"cannot run: {last}")
                sick.append(seed)
                untried = range(seed + 1, untried.stop)
    return Result(mutant, seconds=seconds, sick=tuple(sick))


def _hunt(tree: Path, seeds: range) -> tuple[int | None, str, float]:
    """The first seed that fails in a tree, what it broke, and the seconds until then."""
    command = [sys.executable, "-m", "tests.simulation.mutants.hunt"]
    command += ["--first", str(seeds.start), "--seeds", str(len(seeds))]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    return told["seed"], told["fault"], told["seconds"]


if __name__ == "__main__":
    sys.exit(main())
