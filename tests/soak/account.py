"""The comparison at the end: the parts, the journals and the register, none taken from another."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.contract.record import Intent, Marked, Record, Settled
from tests.crash.agreement import Metal

ENGRAVED_STATES = frozenset({"good", "rejected", "scrapped"})
"""What the register may say of a part that carries its number once all is settled."""


@dataclass(frozen=True)
class Item:
    """What the register says of one number."""

    state: str
    flags: tuple[str, ...] = ()
    """`duplicated`, `quarantined`."""


@dataclass
class Word:
    """What a journal says of one symbol that it spent."""

    uii: str
    did: str = ""
    """The marker's word, empty when none was journalled."""
    settled: str = ""
    """How people, or a read, ended it."""

    @property
    def explains(self) -> str:
        """Which state without metal this is a reason for; empty when for none."""
        if self.settled:
            return "voided" if self.settled == "voided" else ""
        return {"not_started": "voided", "unknown": "unknown"}.get(self.did, "")


@dataclass
class Account:
    """What was found. `faults` has a line for each thing that does not agree."""

    engraved: int = 0
    states: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, other: "Account") -> None:
        self.engraved += other.engraved
        self.states += other.states
        self.lost += other.lost
        self.doubled += other.doubled
        self.faults += other.faults


def words(records: Iterable[Record]) -> tuple[dict[str, Word], list[str]]:
    """By content, what a site's journals say, oldest record first; and what was spent twice."""
    found: dict[str, Word] = {}
    twice: list[str] = []
    opened: dict[tuple[int, int], Word] = {}
    for record in records:
        match record:
            case Intent():
                for mark in record.marks:
                    if mark.content in found:
                        twice.append(f"the journal spends {mark.content!r} twice")
                    found[mark.content] = opened[record.seq, mark.position] = Word(mark.item.uii)
            case Marked():
                for result in record.results:
                    opened[record.intent, result.position].did = result.did
            case Settled():
                opened[record.of.seq, record.position].settled = record.how
    return found, twice


def compare(name: str, metal: Metal, spent: dict[str, Word], held: dict[str, Item]) -> Account:
    """One site's three testimonies; `spent` is by content, `held` by UII."""
    account = Account(engraved=len(metal.contents))
    say = account.faults.append
    for content, pieces in metal.pieces.items():
        if len(pieces) > 1:
            account.doubled += 1
            say(f"{name}: doubled: {content!r} is engraved on pieces {pieces}")
        word = spent.get(content)
        if word is None:
            say(f"{name}: engraved without an intent: {content!r} on piece {pieces[0]}")
        if word is None or word.uii not in held:
            account.lost += 1
            say(f"{name}: lost: {content!r} is on piece {pieces[0]} and not in the register")
    for piece, contents in metal.contents.items():
        if len(set(contents)) > 1:
            account.doubled += 1
            say(f"{name}: marked over: piece {piece} carries {contents}")
    for content in metal.air:
        say(f"{name}: fired with no part there: {content!r}")
    for content, word in spent.items():
        item = held.get(word.uii)
        if item is None:
            if content not in metal.pieces:
                say(f"{name}: {word.uii} is in the journal and not in the register")
            continue
        account.states[item.state] += 1
        if item.flags:
            say(f"{name}: {word.uii} is {' and '.join(item.flags)}")
        if content in metal.pieces:
            if item.state not in ENGRAVED_STATES:
                say(f"{name}: {word.uii} is engraved, and the register calls it {item.state}")
        elif item.state != word.explains:
            say(f"{name}: {word.uii} is on no part, the register calls it {item.state}: {word}")
    for uii in held.keys() - {word.uii for word in spent.values()}:
        say(f"{name}: the register holds {uii}, which no journal spent")
    return account
