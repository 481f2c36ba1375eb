"""What the demo ends with: the pieces of metal counted against the register.

Everything is counted from the simulators' pieces and from what the register answers, nothing
from messages.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from simulators.part import FILE, PartStore

TRIAL = "1PTRIAL"


@dataclass(frozen=True)
class Metal:
    """What is on metal: by content, the pieces that carry it; and pieces with several numbers."""

    pieces_of: dict[str, set[int]]
    doubly_marked: set[int]
    stations: dict[str, str]

    @property
    def engraved(self) -> int:
        return len({piece for pieces in self.pieces_of.values() for piece in pieces})


def metal(state: Path) -> Metal:
    """Read the pieces; trial shots carry no number."""
    store = PartStore(state / FILE)
    try:
        dump = store.dump()
    finally:
        store.close()
    pieces_of: dict[str, set[int]] = defaultdict(set)
    on_piece: dict[int, set[str]] = defaultdict(set)
    stations: dict[str, str] = {}
    for piece in dump:
        for engraving in piece["engravings"]:
            content = engraving["content"]
            if TRIAL in content or piece["piece"] is None:
                continue
            pieces_of[content].add(piece["piece"])
            on_piece[piece["piece"]].add(content)
            stations[content] = engraving["station"]
    twice = {piece for piece, contents in on_piece.items() if len(contents) > 1}
    return Metal(dict(pieces_of), twice, stations)


@dataclass(frozen=True)
class Audit:
    """The demo's last line, but for the faults and the time."""

    engraved: int
    good: int
    rejected: int
    unknown: int
    other: dict[str, int]
    lost: list[str]
    doubled: list[str]
    not_good: dict[str, str]
    """By content, the state of an engraved piece that is not good."""
    pieces: dict[str, set[int]]
    """By content, the pieces that carry it."""


async def audit(state: Path, base_url: str) -> Audit:
    """Ask the register for every content that is on metal."""
    on_metal = metal(state)
    states: Counter[str] = Counter()
    lost: list[str] = []
    not_good: dict[str, str] = {}
    async with httpx.AsyncClient(base_url=base_url, timeout=30) as http:
        for content in sorted(on_metal.pieces_of):
            found = await _item(http, content)
            if found is None:
                lost.append(content)
                continue
            states[found] += 1
            if found != "good":
                not_good[content] = found
    doubled = [content for content, pieces in on_metal.pieces_of.items() if len(pieces) > 1]
    doubled += [f"piece {piece}" for piece in sorted(on_metal.doubly_marked)]
    known = ("good", "rejected", "unknown")
    return Audit(
        engraved=on_metal.engraved,
        good=states["good"],
        rejected=states["rejected"],
        unknown=states["unknown"],
        other={name: count for name, count in states.items() if name not in known},
        lost=lost,
        doubled=doubled,
        not_good=not_good,
        pieces=on_metal.pieces_of,
    )


async def _item(http: httpx.AsyncClient, content: str) -> str | None:
    """The register's state of the item that this content claims; None if it holds none."""
    response = await http.get("/api/search", params={"q": content})
    response.raise_for_status()
    items: list[dict[str, Any]] = response.json()["items"]
    return str(items[0]["term"]) if items else None
