"""Drops, doubles, splits, delays and flips bytes, and cuts the line; knows no codec.

A *piece* is what one write or one read brought: a frame as a rule. Each armed fault lets `after`
bytes of its direction pass, then meets `count` pieces one after another.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from drivers import clock

Direction = Literal["to_host", "to_device"]

KINDS = ("drop", "double", "split", "delay", "flip", "cut")
DIRECTIONS: tuple[Direction, ...] = ("to_host", "to_device")
_SECONDS = {"split": 0.05, "delay": 0.5, "cut": 0.5}


@dataclass
class _Armed:
    kind: str
    count: int
    after: int
    seconds: float


@dataclass(frozen=True)
class Piece:
    """Bytes to pass on, after `wait` seconds."""

    data: bytes
    wait: float = 0.0


class Faults:
    """The faults that wait for bytes on one device's wire, and those that met some (`landed`).

    drop: the piece is lost from that byte on · double: it comes twice · split: it comes in two,
    `seconds` apart · delay: it comes `seconds` late · flip: one bit of one byte is turned ·
    cut: from that byte on the line is dead both ways for `seconds` (TCP: the connection ends).
    """

    def __init__(self) -> None:
        self.landed: Counter[str] = Counter()
        self._armed: dict[Direction, list[_Armed]] = {"to_host": [], "to_device": []}
        self._dead_until: float | None = None

    def arm(
        self,
        kind: str,
        direction: str = "to_host",
        count: int = 1,
        after: int = 0,
        seconds: float | None = None,
    ) -> None:
        """Let `kind` happen to the next bytes. Raises ValueError for what is no fault."""
        if kind not in KINDS:
            raise ValueError(f"no fault {kind!r}; there are {', '.join(KINDS)}")
        wait = _SECONDS.get(kind, 0.0) if seconds is None else seconds
        if count < 1 or after < 0 or wait < 0:
            raise ValueError("count is at least 1, after and seconds are not negative")
        for known in DIRECTIONS:
            if known == direction:
                self._armed[known].append(_Armed(kind, count, after, wait))
                return
        raise ValueError(f"no direction {direction!r}; there are {', '.join(DIRECTIONS)}")

    def clear(self) -> None:
        """Forget the faults that have not landed."""
        for armed in self._armed.values():
            armed.clear()

    @property
    def dead(self) -> bool:
        """The line is cut at this moment."""
        return self._dead_until is not None and clock.now() < self._dead_until

    def meet(self, direction: Direction, data: bytes) -> list[Piece]:
        """What becomes of `data` on its way. Look at `dead` afterwards."""
        if self.dead or not data:
            return []
        waiting = self._armed[direction]
        for fault in waiting:
            if fault.after >= len(data):
                fault.after -= len(data)
                continue
            at, fault.after = fault.after, 0
            fault.count -= 1
            if fault.count == 0:
                waiting.remove(fault)
            self.landed[fault.kind] += 1
            return self._apply(fault, at, data)
        return [Piece(data)]

    def _apply(self, fault: _Armed, at: int, data: bytes) -> list[Piece]:
        """The pieces that a landed fault leaves; empty ones are left out."""
        match fault.kind:
            case "drop":
                pieces = [Piece(data[:at])]
            case "double":
                pieces = [Piece(data + data[at:])]
            case "split":
                cut = max(at, 1 if len(data) > 1 else 0) if at else len(data) // 2
                pieces = [Piece(data[:cut]), Piece(data[cut:], fault.seconds)]
            case "delay":
                pieces = [Piece(data, fault.seconds)]
            case "flip":
                pieces = [Piece(data[:at] + bytes([data[at] ^ 0x04]) + data[at + 1 :])]
            case _:
                self._dead_until = clock.now() + fault.seconds
                pieces = [Piece(data[:at])]
        return [piece for piece in pieces if piece.data]
