"""What the journal's records add up to: numbers spent, marks open, groups that await their sample.

A pure fold over records, so that after any stop the same journal gives the same ledger.
"""

from dataclasses import dataclass, field, replace

from drivers.protocols import Did, Outcome
from gateway.contract.record import (
    Accepted,
    FromBlock,
    Intent,
    Latched,
    Mark,
    Marked,
    Observed,
    Record,
    RecordRef,
    Repeat,
    Settled,
    ShiftEnd,
    Trial,
    Unlatched,
    Verified,
)
from gateway.numbering import Elsewhere, MarkAt, Piecework, Spent, elsewhere, tells_pieces_apart
from gateway.standing import StationLedger

OVER = frozenset({"good", "scrapped", "voided"})
"""States after which a mark need not be remembered."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A mark of this journal that is not good yet, or has lately become so."""

    station: str
    kept: Mark | bytes
    """As JSON once it has left the screen, which takes a fifth of the memory: under `elsewhere`
    a mark is kept for as long as its journal."""
    state: str
    again: bool = False
    """A second mark on the same piece."""
    pictures: frozenset[str] = frozenset()
    """By which it was read."""

    @property
    def mark(self) -> Mark:
        kept = self.kept
        return Mark.model_validate_json(kept) if isinstance(kept, bytes) else kept

    def packed(self) -> "_Known":
        return replace(self, kept=self.mark.model_dump_json(exclude_none=True).encode())


@dataclass
class Ledger:
    """Fold every record of the journal of that gateway and epoch, in order, with `apply`."""

    gateway: str
    epoch: int
    used: dict[str, int] = field(default_factory=dict)
    """By block, the greatest number that an intent spent."""
    spent: dict[str, Spent] = field(default_factory=dict)
    """By number space: whatever the blocks are called, no number is spent twice."""
    stations: dict[str, StationLedger] = field(default_factory=dict)
    accepted: tuple[int, int] = (0, 0)
    unknown: dict[str, str] = field(default_factory=dict)
    """Stations latched by an unknown outcome, with the cause."""
    pieces: dict[str, dict[str, Piecework]] = field(default_factory=dict)
    """By order and UII, the numbers of which not every piece is good yet, oldest first."""
    awaiting: dict[str, MarkAt] = field(default_factory=dict)
    """By content, the marks that a read outside a cycle would make good. A symbol that several
    pieces share says outside of a cycle nothing of any of them."""
    repeated: set[Elsewhere] = field(default_factory=set)
    """Pieces of numbers that other journals opened, which were marked here."""
    answered: set[tuple[RecordRef, int]] = field(default_factory=set)
    """Marks of other journals that were read back here as good."""
    _marks: dict[MarkAt, _Known] = field(default_factory=dict)
    _where: dict[int, str] = field(default_factory=dict)
    """By intent, the station of a shot whose outcome is not journalled."""

    def station(self, name: str) -> StationLedger:
        return self.stations.setdefault(name, StationLedger())

    def mark(self, at: MarkAt) -> Mark | None:
        """A mark of this journal that has not been over for long."""
        known = self._marks.get(at)
        return None if known is None else known.mark

    def state_at(self, at: MarkAt) -> str:
        """What has become of such a mark; empty for one that is not remembered."""
        known = self._marks.get(at)
        return "" if known is None else known.state

    def made_at(self, at: MarkAt) -> str | None:
        """The station that made such a mark."""
        known = self._marks.get(at)
        return None if known is None else known.station

    def pictures(self) -> set[str]:
        """The pictures of all marks of which it is not settled what becomes of them."""
        return {
            name
            for known in self._marks.values()
            if known.state not in OVER
            for name in known.pictures
        }

    def is_under_way(self, at: MarkAt) -> bool:
        """Whether the cycle that made a mark still has it."""
        known = self._marks.get(at)
        opened = None if known is None else self.station(known.station).open
        return opened is not None and opened.seq == at[0] and at[1] in opened.due

    def _mine(self, of: RecordRef) -> bool:
        return (of.gateway, of.epoch) == (self.gateway, self.epoch)

    def apply(self, record: Record) -> None:
        """Take one record in."""
        match record:
            case Accepted():
                self.accepted = (record.incarnation, record.version)
            case Intent():
                self._intent(record)
            case Marked():
                self._marked(record)
            case Verified():
                self._verified(record)
            case Settled():
                self._settled(record)
            case Latched(latch="unknown-outcome"):
                self.unknown[record.station or ""] = record.cause
            case Unlatched(latch="unknown-outcome"):
                self._unlatched(record.station or "")
            case Unlatched(latch="first-piece", of=RecordRef() as of):
                self._approved(record, of)
            case Trial():
                self.station(record.station or "").tried(record)
            case Observed(shift=ShiftEnd() as shift):
                self.station(record.station or "").end_shift(record, shift)
            case Observed():
                self.station(record.station or "").read(record.codes)
            case _:
                pass

    # -- what is announced

    def _intent(self, record: Intent) -> None:
        name = record.station or ""
        station = self.station(name)
        station.begin(record)
        self._where[record.seq] = name
        for mark in record.marks:
            if isinstance(mark.source, FromBlock):
                spent = self.used.get(mark.source.block, -1)
                self.used[mark.source.block] = max(spent, mark.source.number)
                self.spent.setdefault(mark.source.space, Spent()).add(mark.source.number)
            again = isinstance(mark.source, Repeat) and self._is_again(mark, mark.source)
            if again and isinstance(mark.source, Repeat):
                self._repeats(station, (mark.source.of.seq, mark.source.position))
            self._announce(record, name, mark, again=again)

    def _repeats(self, station: StationLedger, old: MarkAt) -> None:
        """A leave to mark again is used up, and the former mark counts no more."""
        station.withdraw(old)
        self._show(old, "again")
        self._forget(old)

    def _is_again(self, mark: Mark, source: Repeat) -> bool:
        """Whether a repeat is a second mark on the same piece, not a further piece's first."""
        known = self._marks.get((source.of.seq, source.position))
        if known is None or not self._mine(source.of):
            return False
        old = known.mark
        return (old.item.uii, old.component) == (mark.item.uii, mark.component)

    def _announce(self, record: Intent, name: str, mark: Mark, *, again: bool) -> None:
        at = (record.seq, mark.position)
        hidden = self.station(name).announced(record, mark)
        source = mark.source
        if isinstance(source, Repeat) and not self._mine(source.of):
            self.repeated.add(elsewhere(source, mark.component))
        if mark.pieces is not None:
            opening = at if isinstance(source, FromBlock) else source
            works = self.pieces.setdefault(mark.order, {})
            if isinstance(opening, tuple) or not self._mine(opening.of):
                works.setdefault(mark.item.uii, Piecework(mark, opening))
        self._marks[at] = _Known(name, mark, "", again)
        self._show(at, "open")
        if hidden is not None:
            self._shelve(hidden)

    def _shelve(self, at: MarkAt) -> None:
        """Forget what is over and has left the screen; keep what is not over in less memory."""
        known = self._marks.get(at)
        if known is None or self.station(known.station).shows(at):
            return
        if known.state not in OVER:
            self._marks[at] = known.packed()
        elif at not in self.station(known.station).samples:
            self._forget(at)

    def _forget(self, at: MarkAt) -> None:
        del self._marks[at]

    # -- what became of it

    def _marked(self, record: Marked) -> None:
        name = self._where.pop(record.intent, None)
        station = None if name is None else self.station(name)
        if station is None or station.open is None or station.open.seq != record.intent:
            return
        opened = station.open
        first = record.results[0]
        dids = {result.position: Did(result.did) for result in record.results}
        did = next(iter(set(dids.values()))) if len(set(dids.values())) == 1 else Did.UNKNOWN
        places = tuple(dids.items()) if len(set(dids.values())) > 1 else ()
        outcome = Outcome(did, first.cause, first.echo, places)
        for mark in station.open.marks:
            at = (record.intent, mark.position)
            here = outcome.at(mark.position)
            if here is Did.NOT_STARTED:
                self._not_started(station, at, mark)
            else:
                self._show(at, "marked" if here is Did.DONE else "unknown")
            if here is Did.DONE and mark.readback and mark.readback.mode == "sample":
                station.grouped(at, mark)
        due = {
            mark.position
            for mark in station.open.marks
            if _is_due(outcome.at(mark.position), mark)
            or (record.intent, mark.position) in station.samples
        }
        station.timed(record, sum(outcome.at(m.position) is Did.DONE for m in opened.marks))
        station.open = replace(station.open, outcome=outcome, due=frozenset(due))
        station.end()

    def _not_started(self, station: StationLedger, at: MarkAt, mark: Mark) -> None:
        source = mark.source
        if isinstance(source, FromBlock):
            self._show(at, "voided")
            self._shelve(at)
            return
        if self._marks[at].again:
            # The first mark is still on the piece, and the leave still stands.
            self._show(at, "rejected")
            station.allow(at, self._marks[at].mark)
            return
        self._show(at, "voided")
        # Nothing is on the piece: it, or another, may be marked with that number.
        self.repeated.discard(elsewhere(source, mark.component))
        work = self.pieces.get(mark.order, {}).get(mark.item.uii)
        if work is not None:
            work.states.pop(mark.component, None)
        self._shelve(at)

    def _verified(self, record: Verified) -> None:
        at = (record.of.seq, record.position)
        is_good = record.verdict == "good"
        if record.content is not None:
            self.station(record.station or "").read((record.content,))
        if not self._mine(record.of):
            if is_good:
                self.answered.add((record.of, record.position))
            return
        known = self._marks.get(at)
        if known is None or known.state == "scrapped":
            return
        self.station(known.station).heard(at, record)
        if record.picture is not None:
            known = replace(known, pictures=known.pictures | {record.picture})
            self._marks[at] = known
        if known.state == "unknown" and not (
            is_good and record.entry == "device" and tells_pieces_apart(known.mark)
        ):
            return  # it proves nothing: the part may have been swapped
        told = self._good(known, record.station) if is_good else "rejected"
        self._show(at, told, record.entry)
        station = self.station(known.station)
        if record.entry == "device":
            self._sampled(station, at, good=is_good)
        elif at in station.samples and tells_pieces_apart(known.mark):
            self.awaiting[known.mark.content] = at  # its group still waits for a reader
        if is_good:
            station.withdraw(at)
            station.over(at)
            self._shelve(at)
        else:
            station.reject(record)

    def _good(self, known: _Known, reader: str | None) -> str:
        """A mark that is to be read elsewhere stays open when its own station has read it."""
        readback = known.mark.readback
        here = readback is not None and readback.mode == "elsewhere" and reader == known.station
        return "marked" if here and known.state != "good" else "good"

    def _sampled(self, station: StationLedger, at: MarkAt, *, good: bool) -> None:
        """What a read, or people's decision, of a group's sample means for the others."""
        order = self._marks[at].mark.order
        group = station.groups.get(order)
        if group and group[-1] == at:  # read early: it closes the group
            station.samples[at] = tuple(station.groups.pop(order))
        for other in station.samples.pop(at, ()):
            if other != at and other in self._marks and self._marks[other].state == "marked":
                self._show(other, "good" if good else "rejected")
                self._shelve(other)

    def _settled(self, record: Settled) -> None:
        at = (record.of.seq, record.position)
        known = self._marks.get(at)
        if known is None or known.state == "scrapped" or not self._mine(record.of):
            return
        station = self.station(known.station)
        if record.how != "read" and at in station.samples:
            self._sampled(station, at, good=False)
        states = {"accepted": "good", "read": known.state, "remark": "rejected"}
        state = states.get(record.how, record.how)
        self._show(at, state)
        if record.how == "remark":
            station.allow(at, self._marks[at].mark)
        else:
            station.withdraw(at)
        station.over(at)
        self._shelve(at)

    def _unlatched(self, name: str) -> None:
        """The station is free; numbers that nobody settled stay unknown for the register."""
        self.unknown.pop(name, None)
        station = self.station(name)
        if station.open is not None and station.open.unknown:
            station.open = replace(station.open, due=station.open.due - station.open.unknown)
            station.end()

    def _approved(self, record: Unlatched, of: RecordRef) -> None:
        if self._mine(of):
            self.station(record.station or "").approve((of.seq, record.position or 1))

    # -- states

    def _show(self, at: MarkAt, state: str, entry: str = "") -> None:
        known = self._marks[at]
        station, mark = self.station(known.station), known.mark
        station.show(at, mark.order, known.state, state, entry)
        self._marks[at] = replace(known, state=state)
        if state in ("marked", "rejected", "unknown") and tells_pieces_apart(mark):
            self.awaiting[mark.content] = at
        elif self.awaiting.get(mark.content) == at:
            del self.awaiting[mark.content]
        self._piece(mark, state)

    def _piece(self, mark: Mark, state: str) -> None:
        works = self.pieces.get(mark.order, {})
        work = works.get(mark.item.uii)
        if work is None or mark.pieces is None:
            return
        work.states[mark.component] = state
        if work.complete or state == "scrapped" or (state == "voided" and mark is work.mark):
            del works[mark.item.uii]


def _is_due(did: Did, mark: Mark) -> bool:
    """Whether a mark has to be read or judged where it was made, its group's sample apart."""
    mode = mark.readback.mode if mark.readback else "each"
    return did is Did.UNKNOWN or (did is Did.DONE and mode in ("each", "eye"))
