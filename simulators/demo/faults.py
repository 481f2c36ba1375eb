"""What can go wrong with one piece or one tray, and when it does in a shift."""

import random
from collections.abc import Callable
from typing import Any

from simulators.demo.shift import Fault, Line, must

HOLD_S = 10.0
PIECES_A_WEAPON = 3


async def nothing(_: Line, __: int) -> None:
    """A fault that has nothing to do at this moment."""


def _read_by(line: Line) -> int:
    """The place whose reader will read back."""
    return line.sample() or 1


def _on_wire(kind: str, side: str, reach: int, **more: Any) -> Fault:
    """One fault on the way from the marker or a reader, within the next `reach` bytes."""

    async def prepare(line: Line, piece: int) -> None:
        after = random.Random(piece).randrange(reach)  # noqa: S311 -- repeatable, not a secret
        request = {"op": "fault", "name": kind, "after": after, **more}
        await must(line.marker if side == "marker" else line.readers[_read_by(line) - 1], request)

    return Fault(f"{kind}-{side}", prepare, nothing, nothing, needs_read=side == "reader")


def _faint() -> Fault:
    """A mark that no reader can read, and an eye can."""

    async def prepare(line: Line, _: int) -> None:
        place = {"position": _read_by(line)} if line.tray > 1 else {}
        await must(line.marker, {"op": "fault", "name": "faint", "count": 1, **place})

    return Fault("faint-marker", prepare, nothing, nothing, needs_read=True)


def _at_reader(name: str, count: int = 1) -> Fault:
    async def prepare(line: Line, _: int) -> None:
        request = {"op": "fault", "name": name, "count": count}
        await must(line.readers[_read_by(line) - 1], request)

    return Fault(f"{name}-reader", prepare, nothing, nothing, needs_read=True)


def _kill_at(moment: str, after: int = 0) -> Fault:
    """SIGKILL of the gateway's process while the device stands still at that moment."""

    async def prepare(line: Line, _: int) -> None:
        await must(line.marker, {"op": "hold", "moment": moment, "after": after})

    async def during(line: Line, piece: int) -> None:
        held = await must(line.marker, {"op": "await_held", "timeout": HOLD_S})
        if held["held"]:
            line.agent.kill()
            line.trace(piece, f"kill-{moment}")
        await must(line.marker, {"op": "release"})
        if held["held"]:
            line.agent.start()

    return Fault(f"kill-{moment}", prepare, during, nothing)


def _before_the_read(name: str, act: Callable[[Line], int | None]) -> Fault:
    """Something done to what lies at the station once all of it is marked.

    `act` returns the other piece that it touches.
    """

    async def prepare(line: Line, _: int) -> None:
        await must(line.marker, {"op": "hold", "moment": "marked", "after": line.tray - 1})

    async def during(line: Line, piece: int) -> None:
        held = await must(line.marker, {"op": "await_held", "timeout": HOLD_S})
        if held["held"]:
            other = act(line)
            line.trace(piece, name)
            if other is not None:
                line.traced.setdefault(other, []).append(name)
        await must(line.marker, {"op": "release"})

    return Fault(name, prepare, during, nothing, needs_read=True)


def _swap(line: Line) -> int | None:
    """The marked piece is taken away, and a blank one lies in its place."""
    line.parts.load(line.station)
    return None


def _exchange(line: Line) -> int | None:
    """The carton that is to be read, and another one of the tray, change places."""
    place = _read_by(line)
    line.parts.exchange(line.station, place, place % line.tray + 1)
    return None


def _carton(line: Line) -> int | None:
    """The carton that is to be read is replaced by a blank one."""
    return line.parts.replace_at(line.station, _read_by(line))


def _old_piece() -> Fault:
    """A piece that is marked already is laid in place of a blank one."""

    async def prepare(line: Line, piece: int) -> None:
        if line.last_piece is not None:
            line.parts.load_again(line.last_piece, line.station)
            line.trace(piece, "old-piece")

    async def after(line: Line, piece: int) -> None:
        line.parts.load_again(piece, line.station)

    return Fault("old-piece", prepare, nothing, after)


FAULTS: dict[str, Callable[[], Fault]] = {
    "kill-armed": lambda: _kill_at("armed"),
    "kill-between": lambda: _kill_at("between", 1),
    "kill-marked": lambda: _kill_at("marked"),
    "swap": lambda: _before_the_read("swap", _swap),
    "exchange": lambda: _before_the_read("exchange", _exchange),
    "carton": lambda: _before_the_read("carton", _carton),
    "old-piece": _old_piece,
    "faint-marker": _faint,
    # Blind in the look and in the first read after it: the second read has to find the mark.
    "blind-reader": lambda: _at_reader("blind", 2),
    "stale-reader": lambda: _at_reader("stale"),
    "flip-marker": lambda: _on_wire("flip", "marker", 120),
    "drop-marker": lambda: _on_wire("drop", "marker", 120),
    "delay-marker": lambda: _on_wire("delay", "marker", 120, seconds=0.3),
    "cut-marker": lambda: _on_wire("cut", "marker", 120),
    "flip-reader": lambda: _on_wire("flip", "reader", 60),
    "double-reader": lambda: _on_wire("double", "reader", 60),
    "split-reader": lambda: _on_wire("split", "reader", 60),
}
OF_PIECES = {
    "kill-armed": 9,
    **dict.fromkeys(FAULTS.keys() - {"kill-armed", "kill-between", "exchange", "carton"}, 4),
}
OF_TRAYS = {
    "kill-armed": 3,
    **dict.fromkeys(("kill-between", "exchange", "carton"), 3),
    **dict.fromkeys(
        ("kill-marked", "swap", "old-piece", "faint-marker", "blind-reader", "stale-reader"), 1
    ),
    "flip-marker": 1,
}
"""How often each kind meets the pieces of one line, and the trays of another."""
MANY_PARTS = 100
"""From so many weapons and cartons on. Of fewer, fewer can meet a fault and most still be good."""
FEW_OF_PIECES = {name: 3 if name == "kill-armed" else 2 for name in OF_PIECES}
FEW_OF_TRAYS = {"kill-armed": 1, **dict.fromkeys(("kill-between", "exchange", "carton"), 2)}


def schedule(parts: int, seed: int, *, tray: int) -> dict[int, str]:
    """Which cycle of a shift of so many weapons, or cartons, meets which fault.

    Deterministic in `seed`; none comes in the last tenth, where its traces might not be seen.

    Faults that only a read shows wait for the next cycle that has one.
    """
    chooser = random.Random(seed)  # noqa: S311 -- repeatable, not a secret
    if tray > 1:
        cycles, counts = parts // tray, OF_TRAYS if parts >= MANY_PARTS else FEW_OF_TRAYS
    else:
        cycles = parts * PIECES_A_WEAPON
        counts = OF_PIECES if parts >= MANY_PARTS else FEW_OF_PIECES
    names = [name for name in sorted(counts) for _ in range(counts[name])]
    chooser.shuffle(names)
    places = chooser.sample(range(2, cycles * 9 // 10), len(names))
    return dict(zip(places, names, strict=True))
