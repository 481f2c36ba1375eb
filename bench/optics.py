"""`python -m bench.optics`: of marks that a camera sees, how many are read, set aside, confused.

Every picture varies as those of one line do (`EVERYDAY`); a share is spoiled by one effect as well.
Set aside is what no code was decoded of; confused, what another content was decoded of than is
engraved. Exits with 1 if any was confused, or if more than `--refused` of those that nothing
spoiled were set aside.
"""

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from drivers.camera.codec import decode
from drivers.camera.quality import estimate
from simulators.optics import EFFECTS, STYLES, Optics, see, spoiled
from simulators.part import Engraving

EVERYDAY = {"contrast": 0.3, "tilt": 0.3, "perspective": 0.3, "blur": 0.2, "noise": 0.15}
"""Of each picture, spoiled or not: so strong at most."""


@dataclass(frozen=True)
class Look:
    """What became of one part."""

    effect: str
    """What spoiled it; empty if nothing did."""
    result: str
    """read, aside or confused."""
    grade: str


def _part(number: int, seed: int) -> Engraving:
    chance = Random(f"{seed} {number}")  # noqa: S311 - nothing is kept secret by it
    serial = f"{chance.choice('ABCDEFGHJKLMNPRSTUVWXYZ')}{chance.randrange(10**8):08d}"
    content = f"[)>\x1e06\x1d17V0CVA5\x1d1P{chance.randrange(10**6):06d}-56\x1dS{serial}\x1e\x04"
    at = f"2026-01-01T00:00:00.{number:06d}+00:00"
    return Engraving(number, number, "bench", 1, content, (f"S {serial}",), 0.9, "laser", at)


def look(number: int, optics: Optics, share: float) -> Look:
    """One part through optics and decoder."""
    part = _part(number, optics.seed)
    chance = Random(f"{optics.seed} {number} everyday")  # noqa: S311 - as above
    everyday = {name: chance.uniform(0, most) for name, most in EVERYDAY.items()}
    seen_by = spoiled(part, replace(optics, strengths=everyday), share, tuple(EFFECTS))
    # An effect that every picture has a little of spoils only where it is stronger.
    changed = [name for name, value in seen_by.strengths.items() if everyday.get(name) != value]
    seen = decode(see([part], seen_by))
    contents = {code.content for code in seen.codes}
    result = "aside" if not contents else "read" if contents == {part.content} else "confused"
    quality = estimate(seen.picture, seen.codes[0]) if result == "read" else None
    return Look("".join(changed), result, quality.letter if quality else "")


def _table(style: str, looks: list[Look]) -> None:
    print(f"| {style}: | pictures | read | set aside | confused | estimated A B C D F |")
    print("|---|---|---|---|---|---|")
    for effect in ("", *EFFECTS):
        these = [each for each in looks if each.effect == effect]
        counts = Counter(each.result for each in these)
        grades = Counter(each.grade for each in these)
        told = " ".join(str(grades[letter]) for letter in "ABCDF")
        numbers = " | ".join(str(counts[name]) for name in ("read", "aside", "confused"))
        print(f"| {effect or 'not spoiled'} | {len(these)} | {numbers} | {told} |")
    print()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.optics", description=__doc__)
    parser.add_argument("--parts", type=int, default=2000, help="of each style (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--spoiled", type=float, default=0.4, help="share (%(default)s)")
    parser.add_argument(
        "--refused", type=float, default=0.01, help="of those not spoiled, at most (%(default)s)"
    )
    given = parser.parse_args()
    is_bad = False
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for style in STYLES:
            work = partial(look, optics=Optics(style, seed=given.seed), share=given.spoiled)
            looks = list(pool.map(work, range(given.parts), chunksize=20))
            _table(style, looks)
            good = [each.result for each in looks if not each.effect]
            confused = sum(each.result == "confused" for each in looks)
            refused = good.count("aside")
            print(f"{confused} confused; {refused} of {len(good)} that nothing spoiled set aside\n")
            is_bad |= confused > 0 or refused > given.refused * len(good)
    return 1 if is_bad else 0


if __name__ == "__main__":
    sys.exit(main())
