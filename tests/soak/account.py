"""The comparison at the end: the parts, the journals and the register, none taken from another.

Metal is a place: (piece, position), a receiver or a carton of a tray. What the register holds is
an item: a number on one component.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gateway.contract.record import Intent, Mark, Marked, Record, Repeat, Settled

Place: TypeAlias = tuple[int, int]
"""(piece, position)."""
Key: TypeAlias = tuple[str, str]
"""(UII, component)."""

ENGRAVED_STATES = frozenset({"good", "rejected", "scrapped"})
"""What the register may say of a part that carries its number once all is settled."""
WITHOUT_METAL = {"voided": "voided", "scrapped": "scrapped"}
"""What people say of a number that is on no metal at hand, and the state that this makes."""


@dataclass
class Metal:
    """What is engraved, once a shot."""

    places: dict[str, list[Place]] = field(default_factory=dict)
    """By content."""
    contents: dict[Place, list[str]] = field(default_factory=dict)
    air: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, pieces: Iterable[Mapping[str, Any]]) -> "Metal":
        """`pieces` as `PartStore.dump` tells them."""
        metal = cls()
        for piece in pieces:
            for engraving in piece["engravings"]:
                content = engraving["content"]
                if piece["piece"] is None:
                    metal.air.append(content)
                    continue
                place = (piece["piece"], engraving["position"])
                metal.places.setdefault(content, []).append(place)
                metal.contents.setdefault(place, []).append(content)
        return metal


@dataclass(frozen=True)
class Item:
    """What the register says of one number on one component."""

    state: str
    flags: tuple[str, ...] = ()
    """`duplicated`, `quarantined`."""


@dataclass
class Shot:
    """One intent's mark."""

    did: str = ""
    """The marker's word, empty when none was journalled."""
    settled: str = ""
    """How people, or a read, ended it."""


@dataclass
class Word:
    """What a journal says of one symbol that it spent."""

    uii: str
    component: str = ""
    pieces: int = 1
    """How many components carry the number."""
    shots: list[Shot] = field(default_factory=list)

    @property
    def key(self) -> Key:
        return (self.uii, self.component)

    @property
    def explains(self) -> str:
        """Which state without metal this is a reason for; empty when for none."""
        last = self.shots[-1]
        if last.settled:
            return WITHOUT_METAL.get(last.settled, "")
        return {"not_started": "voided", "unknown": "unknown"}.get(last.did, "")

    @property
    def may_repeat(self) -> bool:
        """Whether the same symbol may lawfully be marked once more."""
        last = self.shots[-1]
        return last.settled == "remark" or (not last.settled and last.did == "not_started")

    @property
    def most(self) -> int:
        """On how many engravings at its place the journal's own words allow."""
        return sum(shot.did != "not_started" for shot in self.shots)


@dataclass
class Account:
    """What was found. `faults` has a line for each thing that does not agree."""

    engraved: int = 0
    """Places that carry a number."""
    marked_again: int = 0
    """Of these, those that were engraved with it more than once, as two people allowed."""
    states: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    told: Counter[str] = field(default_factory=Counter)
    """Lost and doubled ones that the register names; `lost` and `doubled` count the others."""
    unaccounted: int = 0
    """Numbers that the register's own mass balance cannot account for."""
    faults: list[str] = field(default_factory=list)

    def add(self, other: "Account") -> None:
        self.engraved += other.engraved
        self.marked_again += other.marked_again
        self.states += other.states
        self.lost += other.lost
        self.doubled += other.doubled
        self.told += other.told
        self.faults += other.faults


def words(records: Iterable[Record]) -> tuple[dict[str, Word], list[str]]:
    """By content, what a site's journals say, oldest record first; and what was spent twice."""
    found: dict[str, Word] = {}
    twice: list[str] = []
    opened: dict[tuple[int, int], Shot] = {}
    for record in records:
        match record:
            case Intent():
                for mark in record.marks:
                    word = found.get(mark.content)
                    if word is not None and not (_is_repeat(mark) and word.may_repeat):
                        twice.append(f"the journal spends {mark.content!r} twice")
                    if word is None:
                        word = Word(mark.item.uii, mark.component, mark.pieces or 1)
                        found[mark.content] = word
                    word.shots.append(Shot())
                    opened[record.seq, mark.position] = word.shots[-1]
            case Marked():
                for result in record.results:
                    opened[record.intent, result.position].did = result.did
            case Settled():
                opened[record.of.seq, record.position].settled = record.how
    return found, twice


def _is_repeat(mark: Mark) -> bool:
    return isinstance(mark.source, Repeat)


def compare(
    name: str,
    metal: Metal,
    spent: Mapping[str, Word],
    held: Mapping[Key, Item],
    told: Collection[str] = (),
) -> Account:
    """One site's three testimonies; `spent` is by content. `told`: UIIs that the register names as
    disputed, in an open balance and in a critical alert.
    """
    account = Account(engraved=len(metal.contents))
    say = account.faults.append
    for content, places in metal.places.items():
        word = spent.get(content)
        if word is not None and word.uii in told:
            account.told["doubled"] += len(set(places)) > 1
            account.told["lost"] += word.key not in held
            continue
        if len(set(places)) > 1:
            account.doubled += 1
            say(f"{name}: doubled: {content!r} is engraved at {places}")
        elif len(places) > 1:
            account.marked_again += 1
            if word is not None and len(places) > word.most:
                account.doubled += 1
                say(f"{name}: doubled: {len(places)} times at {places[0]}: {content!r}, {word}")
        if word is None:
            say(f"{name}: engraved without an intent: {content!r} at {places[0]}")
        if word is None or word.key not in held:
            account.lost += 1
            say(f"{name}: lost: {content!r} is at {places[0]} and not in the register")
    for place, contents in metal.contents.items():
        if len(set(contents)) > 1:
            account.doubled += 1
            say(f"{name}: marked over: {place} carries {contents}")
    for content in metal.air:
        say(f"{name}: fired with no part there: {content!r}")
    for content, word in spent.items():
        item = held.get(word.key)
        if item is None:
            if content not in metal.places:
                say(f"{name}: {word.key} is in the journal and not in the register")
            continue
        account.states[item.state] += 1
        if word.uii in told:
            continue
        if item.flags:
            say(f"{name}: {word.key} is {' and '.join(item.flags)}")
        if content in metal.places:
            waits = item.state == "marked" and not _is_whole(word, held)
            if item.state not in ENGRAVED_STATES and not waits:
                say(f"{name}: {word.key} is engraved, and the register calls it {item.state}")
        elif item.state != word.explains:
            say(f"{name}: {word.key} is on no part, the register calls it {item.state}: {word}")
    for key in held.keys() - {word.key for word in spent.values()}:
        say(f"{name}: the register holds {key}, which no journal spent")
    return account


def _is_whole(word: Word, held: Mapping[Key, Item]) -> bool:
    """Whether every piece of its number is there and fit: only then is any of them good."""
    states = [item.state for (uii, _), item in held.items() if uii == word.uii]
    return len(states) == word.pieces and set(states) <= {"good", "marked"}
