"""What the demo ends with: the pieces of metal counted against the register.

A piece of metal is a place: (piece, position), a receiver or a carton of a tray. Everything is
counted from the simulators' pieces and from what the register answers, nothing from messages.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import httpx

from simulators.demo.officer import Officer
from simulators.demo.sites import GS, RS, SITES
from simulators.part import FILE, PartStore, doubled

TRIAL = "1PTRIAL"
TERMS = ("good", "open", "rejected", "scrapped", "voided", "unknown", "lost")
AT_ONCE = 8
SAY_EVERY_S = 3.0
Place: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Found:
    """One place with its number, and what the register says of it; no state if it is lost.

    `flags`: `duplicated`, `quarantined`.
    """

    place: Place
    content: str
    component: str
    uii: str
    state: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """The demo's last line, but for the faults and the time."""

    places: list[Found]
    lost: list[str]
    doubled: list[str]

    @property
    def engraved(self) -> int:
        return len({each.place for each in self.places})

    def count(self, state: str) -> int:
        return Counter(each.state for each in self.places)[state]

    def terms(self) -> dict[str, int]:
        """Count each engraved place in exactly one term.

        `open` includes what is marked and waits for its read or its siblings, as in the mass
        balance. A place with several contents counts by the newest, or as lost where one is.
        """
        by_place: dict[Place, str] = {}
        for each in self.places:
            state = "open" if each.state == "marked" else each.state or "lost"
            if by_place.get(each.place) != "lost":
                by_place[each.place] = state
        counted = Counter(by_place.values())
        return {term: counted[term] for term in TERMS}


def metal(state: Path) -> tuple[dict[Place, list[str]], list[str]]:
    """By place, the contents on it, oldest first; and what is on two places, or two on one.

    Trial shots carry no number. The same content again on its own place is no doubling here: the
    register has to know of a leave for it.
    """
    store = PartStore(state / FILE)
    try:
        pieces = [piece for piece in store.dump() if piece["piece"] is not None]
    finally:
        store.close()
    for piece in pieces:
        piece["engravings"] = [e for e in piece["engravings"] if TRIAL not in e["content"]]
    on_metal: dict[Place, list[str]] = defaultdict(list)
    for piece in pieces:
        for engraving in piece["engravings"]:
            on_metal[piece["piece"], engraving["position"]].append(engraving["content"])
    twice = [f"{content!r} is on {places}" for content, places in doubled(pieces).items()]
    twice += [
        f"{place} carries {contents}"
        for place, contents in on_metal.items()
        if len(set(contents)) > 1
    ]
    return dict(on_metal), twice


async def audit(state: Path, officer: Officer, say: Callable[[str], None]) -> Audit:
    """Ask the register for every content that is on metal; `say` is told how far that is."""
    on_metal, twice = metal(state)
    places: list[Found] = []
    lost: list[str] = []
    async with officer.client() as http:
        items = await items_of(
            http, {each for several in on_metal.values() for each in several}, say
        )
        for place, contents in sorted(on_metal.items()):
            for content in dict.fromkeys(contents):
                name = component_of(content)
                item = items[content]
                held = next((c for c in item["components"] if c["component"] == name), None)
                if held is None:
                    lost.append(content)
                    held = {"state": ""}
                flags = tuple(flag for flag in ("duplicated", "quarantined") if held.get(flag))
                places.append(Found(place, content, name, item["uii"], held["state"], flags))
            if len(contents) > len(set(contents)):
                twice += await _undeclared(http, places[-1], contents)
    return Audit(places, lost, twice)


def component_of(content: str) -> str:
    """Which piece of the product a symbol names, by the component's code in it."""
    for site in SITES:
        if site.ncage in content:
            for symbol, name in site.components.items():
                if not symbol or f"{GS}20P{symbol}{RS}" in content:
                    return name
    return ""


async def items_of(
    http: httpx.AsyncClient, contents: Collection[str], say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """By content what the register holds of it, several asked at once."""
    found: dict[str, dict[str, Any]] = {}
    wanted = sorted(contents)
    told = time.monotonic()
    for begin in range(0, len(wanted), AT_ONCE):
        some = wanted[begin : begin + AT_ONCE]
        answers = await asyncio.gather(*(_item(http, content) for content in some))
        found.update(zip(some, answers, strict=True))
        if time.monotonic() - told > SAY_EVERY_S:
            told = time.monotonic()
            say(f"counting the metal against the register: {len(found)} of {len(wanted)} marks …")
    return found


async def _item(http: httpx.AsyncClient, content: str) -> dict[str, Any]:
    """What the register holds of the item that this content claims; no components if nothing."""
    response = await http.get("/api/v1/search", params={"q": content})
    response.raise_for_status()
    items: list[dict[str, Any]] = response.json()["items"]
    return items[0] if items else {"uii": "", "components": []}


async def _undeclared(http: httpx.AsyncClient, found: Found, contents: list[str]) -> list[str]:
    """A place that was marked again: each mark after the first is to be a lawful repeat."""
    response = await http.get(f"/api/v1/items/{found.uii}")
    response.raise_for_status()
    lawful = [
        mark
        for entry in response.json()["life"]
        if entry["type"] == "intent" and entry["verdict"] == "ok"
        for mark in entry["says"]["marks"]
        if mark["content"] == found.content
    ]
    if len(lawful) >= len(contents):
        return []
    return [f"{found.place} carries {contents}, of which the register knows {len(lawful)} times"]
