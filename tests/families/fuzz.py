"""Feed each codec what no device would send: it ends in a value or in its own error, and in time.

python -m tests.families.fuzz [NAME ...] [--count 1000000] [--seed 0] [--write] [--keep]

An input that shows something new (an error raised at another line, other kinds of values) is kept
and changed further. `--keep` puts those into `tests/corpus/<family>/`, as far as a few kilobytes
go. Exits 1 for anything but a value or the codec's errors, and for what takes longer than the
bytes grow. Atheris does what this does by the coverage of lines; it was tried with the Telesis
codec and managed a fifth of the inputs in the same time.
"""

import argparse
import contextlib
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.families import ROOT, Codec, Ear, Family, chosen, families
from tests.families.inputs import CORPUS, Inputs, corpus, frames
from tests.support.document import renewed

DOCUMENT = ROOT / "docs" / "conformance.md"
BEGIN = "<!-- fuzz: written by `make fuzz TABLE=1` -->"
END = "<!-- end of fuzz -->"
KEPT_BYTES = 3000
SIZE = 1 << 14
"""Bytes of a stream whose time is compared with that of one four times as long."""
GROWTH = 8.0
"""Four times the bytes may take so many times as long: 4 is linear, 16 is quadratic."""


class Escaped(Exception):
    """Something else than a value or a named error; `str()` says what, and for which bytes."""


@dataclass
class Found:
    """What one process saw of one codec."""

    inputs: int = 0
    seconds: float = 0.0
    seen: dict[int, bytes] = field(default_factory=dict)
    """The first input of each behaviour."""
    escaped: str = ""


def behaviour(codec: Codec, name: str, ear: Ear, which: int, data: bytes, cuts: list[bytes]) -> int:
    """What one input did to one decoder: a number that differs when it did something else. Raises
    Escaped.
    """
    told: set[object] = set()
    decode = ear.decoders[which]
    try:
        splitter = ear.splitter()
        found = splitter.feed(data)
        if cuts:
            _the_same(ear, found, cuts)
        splitter.reset()
        for frame in (*found[:4], data):
            try:
                told.add(type(decode(frame)).__name__)
            except codec.errors as error:
                told.add(_where(error))
    except Escaped as error:
        raise Escaped(f"{name}: {error}: {data.hex(' ')}") from None
    except Exception as error:
        raise Escaped(f"{name}: {error!r}: {data.hex(' ')}") from error
    return hash((name, which, frozenset(told)))


def _the_same(ear: Ear, found: list[bytes], cuts: list[bytes]) -> None:
    apart = ear.splitter()
    if [frame for piece in cuts for frame in apart.feed(piece)] != found:
        raise Escaped(f"other frames when it is cut as {[*map(len, cuts)]}")


def _where(error: BaseException) -> int:
    """The line that raised it."""
    trace = error.__traceback__
    assert trace is not None
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_lineno


def fed(name: str, count: int, seed: int) -> Found:
    """So many inputs to one family's codec; the corpus is the first of them."""
    family = families()[name]
    turns = [
        (ear_name, ear, which)
        for ear_name, ear in family.codec.ears().items()
        for which in range(len(ear.decoders))
    ]
    inputs = Inputs(seed, frames(family) + corpus(family))
    found, began = Found(), time.perf_counter()
    waiting = list(inputs.known)
    try:
        while found.inputs < count:
            data = waiting.pop() if waiting else inputs.next()
            cuts = inputs.cuts(data) if found.inputs % 4 == 0 else []
            mark = behaviour(family.codec, *turns[found.inputs % len(turns)], data, cuts)
            found.inputs += 1
            if mark not in found.seen:
                found.seen[mark] = data
                if len(inputs.known) < 4000:
                    inputs.learn(data)
    except Escaped as error:
        found.escaped = str(error)
    found.seconds = time.perf_counter() - began
    return found


def replayed(family: Family) -> int:
    """Every vector and all of the corpus, at every ear; how many inputs. Raises Escaped."""
    known = frames(family) + corpus(family)
    for data in known:
        for name, ear in family.codec.ears().items():
            cuts = [data[at : at + 1] for at in range(len(data))]
            for which in range(len(ear.decoders)):
                behaviour(family.codec, name, ear, which, data, cuts)
    return len(known)


def streams(family: Family) -> list[bytes]:
    """What a stream is made of that never gets to an end, or always does."""
    found = [b"\0", b"\r", b"|", b"<", b"0", b"||0", b'VS 0 "', b"\xff"]
    some = frames(family)
    for frame in (min(some, key=len), max(some, key=len), some[0]):
        found += [frame[:300], frame[:300][:-2], frame[:1]]
    return list(dict.fromkeys(each for each in found if each))


def growth(family: Family, size: int = SIZE) -> tuple[float, str]:
    """How many times longer four times the bytes take, at worst, and for what."""
    worst, what = 0.0, ""
    for name, ear in family.codec.ears().items():
        for stream in streams(family):
            ways = {"in pieces": _cutting(ear, 16), "at once": _cutting(ear, 1 << 20)}
            for index, decode in enumerate(ear.decoders):
                ways[f"decoder {index}"] = _decoding(family.codec, decode)
            for way, run in ways.items():
                ratio = _growth(run, stream, size)
                if ratio > worst:
                    worst, what = ratio, f"{name}, {way}, {stream[:8].hex(' ')}…"
    return worst, what


def _cutting(ear: Ear, piece: int) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        splitter = ear.splitter()
        for at in range(0, len(data), piece):
            splitter.feed(data[at : at + piece])

    return run


def _decoding(codec: Codec, decode: Callable[[bytes], object]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        with contextlib.suppress(*codec.errors):
            decode(data)

    return run


def _growth(run: Callable[[bytes], None], stream: bytes, size: int) -> float:
    """By the least of some tries each: what other programs take only makes one longer."""

    def seconds(length: int) -> float:
        # The end of the stream is kept, so that one frame of it is taken for one.
        data = (stream * (length // len(stream) + 1))[: length - 2] + stream[-2:]
        began = time.thread_time()
        run(data)
        return time.thread_time() - began

    short, long = 1.0, 1.0
    for _ in range(8):
        # Below so short a time the clock and the first call are most of it.
        short, long = min(short, max(seconds(size), 2e-4)), min(long, seconds(4 * size))
        if long <= 5.0 * short:
            break
    return long / short


@dataclass(frozen=True)
class Result:
    """What came of one codec."""

    name: str
    inputs: int
    rate: float
    behaviours: int
    growth: float
    where: str
    escaped: str

    @property
    def good(self) -> bool:
        return not self.escaped and self.growth <= GROWTH

    def line(self) -> str:
        said = self.escaped or f"four times the bytes: {self.growth:.1f} times as long"
        slow = f" ({self.where})" if self.growth > GROWTH else ""
        return (
            f"{self.name}: {self.inputs:,} inputs, {self.rate:,.0f}/s a core,"
            f" {self.behaviours} behaviours; {said}{slow}"
        )


def measured(name: str) -> tuple[float, str]:
    return growth(families()[name])


def table(results: list[Result]) -> str:
    lines = [
        "| Codec | Inputs | Inputs/s, one core | Behaviours | Time of four times the bytes |",
        "|--|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {each.name} | {each.inputs:,} | {each.rate:,.0f} | {each.behaviours} |"
        f" {each.growth:.1f} |"
        for each in results
    ]
    return "\n".join(lines)


def keep(name: str, seen: list[bytes]) -> None:
    """Into the corpus, the shortest first, as far as there is room."""
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    room, lines = KEPT_BYTES, []
    for data in sorted(set(seen), key=lambda each: (len(each), each)):
        room -= len(data)
        if room < 0:
            break
        lines.append(data.hex(" "))
    (folder / "behaviours.hex").write_text("\n".join(lines) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.families.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of families' names; all where none")
    parser.add_argument("--count", type=int, default=1_000_000, help="inputs a codec")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help="write the corpus")
    parser.add_argument("--write", action="store_true", help="the table goes into the docs")
    options = parser.parse_args()
    if not chosen(options.names, families()):
        parser.error(f"nothing is tried: there are {', '.join(families())}")
    results = []
    with ProcessPoolExecutor(options.processes) as pool:
        for name in chosen(options.names, families()):
            share = -(-options.count // options.processes)
            runs = [
                pool.submit(fed, name, share, options.seed * options.processes + each)
                for each in range(options.processes)
            ]
            found = [run.result() for run in runs]
            seen = {mark: data for each in found for mark, data in each.seen.items()}
            ratio, where = pool.submit(measured, name).result()
            result = Result(
                name,
                sum(each.inputs for each in found),
                sum(each.inputs for each in found) / sum(each.seconds for each in found),
                len(seen),
                ratio,
                where,
                next((each.escaped for each in found if each.escaped), ""),
            )
            print(result.line(), flush=True)
            results.append(result)
            if options.keep:
                keep(name, list(seen.values()))
    if options.write:
        renewed(DOCUMENT, BEGIN, END, table(results))
    return 0 if all(each.good for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
