"""A station's journal and cycle on a bench: every effect carried out, and checked on the metal.

`Metal` checks, at each effect, what must never break. It knows nothing of how the cycle reaches its
decisions. Whoever plays it (examples, or a random walk) chooses each effect's `Fate`, and when a
pedal is pressed, parts are swapped or the process ends.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import groupby

from drivers.protocols import Did, Outcome
from gateway import cycle as c
from gateway import moves as m
from gateway.choice import Post, Work, due_reads, left, next_work
from gateway.contract.plan import Plan
from gateway.contract.record import (
    Intent,
    Latched,
    Mark,
    Record,
    RecordRef,
    Repeat,
    Settled,
    Unlatched,
    Verified,
    decode_record,
    encode_record,
)
from gateway.ledger import Ledger
from gateway.numbering import MarkAt
from gateway.plan import Permit, permit
from tests.gateway import records
from tests.gateway.bench import TRIAL, Bench, Part
from tests.gateway.orders import plan_for

SEQUENCES = 65535
JOURNALLED = m.CommitIntent | m.RecordMarked | m.RecordVerified | m.RecordTrial | m.RecordSeen
POST = Post(records.STATION, records.GATEWAY, 1)


class Fate(Enum):
    """What becomes of an effect, at the device and on the way back."""

    DONE = "done"
    REFUSED = "refused: nothing was started"
    FAILED = "failed before it had any effect"
    LOST = "carried out, but its answer was lost"
    KILLED_BEFORE = "the process ended before it"
    KILLED_AFTER = "carried out, and the process ended before it knew"


@dataclass
class Metal(Bench):
    """The station's devices, its parts, its journal and the cycle that runs on them."""

    plan: Plan = field(init=False)
    order: str = "o1"
    journal: list[Record] = field(default_factory=list)
    ledger: Ledger = field(default_factory=lambda: Ledger(records.GATEWAY, 1))
    guard: int = 0
    cycle: m.Cycle = field(default_factory=m.Cycle)
    effect: m.Effect | None = None
    ever_armed: set[int] = field(default_factory=set)
    disarm_confirmed: bool = True
    outcomes: dict[MarkAt, str] = field(default_factory=dict)
    """What the journal says of every mark."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.plan = plan_for(self.setup)
        self.start()

    # -- the process

    def tell(self, event: m.Event) -> None:
        self.cycle, self.effect = c.step(self.cycle, event)
        if self.effect is None:
            assert self.cycle.phase in m.RESTING, f"{self.cycle.phase} has no way out"
        if self.cycle.phase is m.Phase.IDLE:
            assert self.shot is None, "idle, and the device may fire"
            assert self.ledger.station(records.STATION).open is None, "idle, and a mark is open"

    def start(self, *, disarm_first: bool = False) -> None:
        """The process starts, after whatever ended it; it knows what the journal tells.

        `disarm_first`: the device could be disarmed before the journal was read.
        """
        ledger = records.fold(*(decode_record(encode_record(each)) for each in self.journal))
        station = ledger.station(records.STATION)
        assert self.journal == [] or ledger == self.ledger, "another story than was lived"
        self.ledger = ledger
        found = station.open or station.aside
        if found is not None:
            found = replace(found, blind=found.eye or not self.setup.reader)
        self.cycle, self.effect = m.Cycle(), None
        proof = None
        if disarm_first:
            proof = self.disarm(found.sequence if found is not None else None)
        self.tell(m.Recover(found, station.before, proof))

    def write(self, make: Callable[[int], Record]) -> Record:
        record = make(len(self.journal) + 1)
        self.journal.append(record)
        self.ledger.apply(record)
        return record

    # -- effects

    def carry_out(self, fate: Fate = Fate.DONE, *, late: bool = False, lie: bool = False) -> None:
        """The effect under way, by its fate. `lie`: a device that could prove more does not."""
        effect = self.effect
        assert effect is not None
        if fate is Fate.KILLED_BEFORE:
            self.start()
            return
        if fate in (Fate.FAILED, Fate.REFUSED):
            self.tell(self._without(effect, fate))
            return
        event = self._with(effect, late=late, lie=lie)
        if fate is Fate.KILLED_AFTER:
            self.start()
        elif fate is Fate.LOST and not isinstance(effect, JOURNALLED):
            self.tell(m.Failed(m.Note("link-timeout")))
        else:
            self.tell(event)

    def _without(self, effect: m.Effect, fate: Fate) -> m.Event:
        note = m.Note("device-refused" if fate is Fate.REFUSED else "link-timeout")
        match effect:
            case m.CommitIntent():
                return m.NotPermitted(m.Note("lease-ended"))
            case m.RecordMarked() | m.RecordVerified() | m.RecordTrial() | m.RecordSeen():
                return self._with(effect)  # the journal is tried until it takes them
            case m.WriteGuard():
                return m.Failed(m.Note("guard-not-written"))
        return m.Refused(note) if fate is Fate.REFUSED else m.Failed(note)

    def _with(self, effect: m.Effect, *, late: bool = False, lie: bool = False) -> m.Event:
        match effect:
            case m.Prepare():
                assert self.shot is None
                self.fired = False
                self.engraved.discard((TRIAL, 1))
                sequence = self.last_sequence % SEQUENCES + 1
                while sequence == self.ledger.station(records.STATION).sequence:
                    sequence = sequence % SEQUENCES + 1
                return m.Prepared(self.status(), sequence if self.setup.keeps else None)
            case m.Look() | m.Check():
                assert self.setup.reader
                return self._saw(None, late=late)
            case m.CommitIntent(job=job, sequence=sequence):
                return self._commit(job, sequence)
            case m.WriteGuard():
                self.guard = len(self.journal)
                return m.Done()
            case m.Arm(marks=marks, sequence=sequence):
                self._arm(marks, sequence)
                return m.Done()
            case m.Fire():
                self.shoot()
                return m.Done()
            case m.AwaitOutcome():
                said = Outcome(Did.UNKNOWN, "no end report") if lie else self.end_report()
                return m.Ended(said)
            case m.Inspect():
                return m.Inspected(self.status())
            case m.Disarm(sequence=sequence):
                proof = self.disarm(sequence)
                self.disarm_confirmed = True
                return m.Disarmed(None if lie else proof)
            case m.RecordMarked():
                return self._record_marked(effect)
            case m.RecordTrial(outcome=outcome):
                assert (outcome.did is Did.DONE) <= self.fired
                assert outcome.did is not Did.NOT_STARTED or (TRIAL, 1) not in self.engraved
                self.write(lambda seq: records.trial(seq, "TRIAL", outcome.did.value))
                return m.Done()
            case m.Read(positions=positions):
                assert self.setup.reader
                assert self.shot is None
                assert self.disarm_confirmed, "read before a disarm was confirmed"
                assert self.cycle.open is not None
                assert positions <= self.cycle.open.due
                return self._saw(positions, late=late)
            case m.RecordVerified():
                return self._record_verified(effect)
            case m.RecordSeen():
                return self._record_seen(effect)
        raise AssertionError(effect)

    def _saw(self, positions: Iterable[int] | None, *, late: bool) -> m.Event:
        return m.Saw(self.session(positions, late=late))

    def work(self) -> Work | m.Note:
        found = permit(self.plan, self.order, records.NOON)
        assert isinstance(found, Permit)
        return next_work(found, self.ledger, POST)

    def _commit(self, job: m.Job, sequence: int | None) -> m.Event:
        if job.trial:
            return m.Done()
        work = self.work()
        assert isinstance(work, Work), "what was there to be marked is not there any more"
        assert work.positions == job.positions
        for mark in work.marks:
            self._check_lawful(mark, again=work.again)
        record = self.write(lambda seq: records.intent_of(seq, *work.marks, sequence=sequence))
        assert isinstance(record, Intent)
        return m.Committed(record.seq, record.marks, sequence)

    def _check_lawful(self, mark: Mark, *, again: bool) -> None:
        """What the register would refuse must not be announced."""
        earlier = self.marks_of(mark.content)
        if again:
            assert isinstance(mark.source, Repeat)
            assert (mark.source.of.seq, mark.source.position) == earlier[-1]
            assert any(self._settled(at, "remark") for at in earlier)
            return
        assert all(self.outcomes[at] == "not_started" for at in earlier), "a second mark"
        assert isinstance(mark.source, Repeat) or not earlier, "a number spent twice"
        if isinstance(mark.source, Repeat) and mark.source.of.gateway == records.GATEWAY:
            number = int(mark.text[0])
            for name in self.setup.pieces[: self.setup.pieces.index(mark.component)]:
                before = self.marks_of(records.content(number, name))
                if self.setup.mode == "each":
                    assert self.is_good(before[-1]), f"{name} is not good yet"
                assert any(self.outcomes[at] != "not_started" for at in before)

    def marks_of(self, content: str) -> list[MarkAt]:
        """Every mark that was announced with that content, in order."""
        return [at for at, mark in self.marks() if mark.content == content]

    def marks(self) -> list[tuple[MarkAt, Mark]]:
        return [
            ((record.seq, mark.position), mark)
            for record in self.journal
            if isinstance(record, Intent)
            for mark in record.marks
        ]

    def is_good(self, at: MarkAt) -> bool:
        """By the journal's last word on that mark alone."""
        good = False
        for record in self.journal:
            if isinstance(record, Verified | Settled) and (record.of.seq, record.position) == at:
                if isinstance(record, Verified):
                    good = record.verdict == "good"
                else:
                    good = record.how in ("accepted", "read")
        return good

    def _settled(self, at: MarkAt, how: str) -> bool:
        return any(
            isinstance(r, Settled) and (r.of.seq, r.position) == at and r.how == how
            for r in self.journal
        )

    def _arm(self, marks: tuple[Mark, ...], sequence: int | None) -> None:
        self.disarm_confirmed = False
        if not marks:
            self.arm(TRIAL, {1: f"TRIAL {len(self.journal)}.{len(self.parts)}"}, sequence)
            return
        last = max(record.seq for record in self.journal if isinstance(record, Intent))
        opened = self.ledger.station(records.STATION).open
        assert opened is not None
        assert (opened.seq, opened.marks) == (last, marks)
        assert self.guard >= last, "armed before the guard knew of the intent"
        assert last not in self.ever_armed, "armed twice for one intent"
        self.ever_armed.add(last)
        again = any(self._settled(at, "remark") for at in self.marks_of(marks[0].content))
        self.arm(last, {mark.position: mark.content for mark in marks}, sequence, again=again)

    def _record_marked(self, effect: m.RecordMarked) -> m.Event:
        dids = {at: effect.outcome.at(at) for at in effect.positions}
        marks = dict(self.marks())
        assert {at for at in marks if at[0] == effect.intent} == {(effect.intent, p) for p in dids}
        for position, did in dids.items():
            at = (effect.intent, position)
            assert at not in self.outcomes
            if did is Did.NOT_STARTED:
                assert self.shot is None, "not started, and it may still fire"
                assert at not in self.engraved, "not started, and it is on a part"
            elif did is Did.DONE:
                assert at in self.engraved, "done, and no part carries it"
            self.outcomes[at] = did.value
        words = {position: did.value for position, did in dids.items()}
        self.write(lambda seq: records.marked(seq, effect.intent, words, effect.outcome.cause))
        if effect.latches:
            assert Did.UNKNOWN in dids.values()
            self.write(records.latched)
        opened = self.ledger.station(records.STATION).open
        return m.Recorded(opened.due if opened else frozenset())

    def _record_verified(self, effect: m.RecordVerified) -> m.Event:
        marks = dict(self.marks())
        for each in effect.verdicts:
            mark = marks[effect.intent, each.position]
            if each.verdict == "good":
                assert len(self.carrying(mark.content)) == 1, "good, and no part carries it"
                assert each.content in (mark.content, None)
                if effect.entry == "device":
                    assert m.Seen(each.position, mark.content) in self.ever_seen, (
                        "good, and not seen"
                    )
            if each.position in effect.resolved:
                assert effect.entry == "device"
                assert each.verdict == "good"
            self._write_verdict(effect, each)
        latched = records.STATION in self.ledger.unknown
        if effect.latches and not latched:
            self.write(records.latched)
        elif latched and not effect.latches:
            self.write(records.unlatched)
        return m.Done()

    def _write_verdict(self, effect: m.RecordVerified, each: m.PlaceVerdict) -> None:
        of, entry = effect.intent, effect.entry
        self.write(
            lambda seq: records.verified(
                seq, of, each.verdict, each.content, entry, position=each.position
            )
        )
        if each.position in effect.resolved:
            self.write(lambda seq: records.settled(seq, of, "read", each.position))

    def _record_seen(self, effect: m.RecordSeen) -> m.Event:
        """What is known becomes a verdict; the rest is noted as it was seen."""
        strangers = []
        for seen in effect.seen:
            reads = due_reads(self.plan, self.ledger)
            at, due = self.ledger.awaiting.get(seen.content), reads.get(seen.content)
            if at is not None:
                self._write_good(records.ref(at[0]), at[1], seen.content, effect.entry)
            elif due is not None:
                self._write_good(due.of, due.position, seen.content, effect.entry)
            else:
                strangers.append(seen.content)
        if strangers:
            self.write(lambda seq: records.observed(seq, *strangers, entry=effect.entry))
        return m.Told(m.Note("read-back"))

    def _write_good(self, of: RecordRef, position: int, content: str, entry: str) -> None:
        assert len(self.carrying(content)) == 1, "read back as good, and no part carries it"
        self.write(lambda seq: records.verified(seq, of, "good", content, entry, position=position))

    # -- people

    def begin(self, *, trial: bool = False) -> bool:
        """An operator who lays the parts that the screen asks for; False if nothing is due."""
        work = self.work()
        if isinstance(work, m.Note) and work.code == "again-first":
            self.order = dict(work.facts)["order"]
            work = self.work()
        if isinstance(work, m.Note):
            assert work.code == "numbers-used-up"
            assert left(self.plan, self.order, self.ledger) == 0
            return False
        blind = not self.setup.reader or work.order.verify.mode == "eye"
        if work.again and not trial:
            for mark in work.marks:
                found = self.carrying(mark.content)
                self.lay(mark.position, found[0] if found else Part())
        elif (work.again or blind) and any(part.content for part in self.table.values()):
            self.change_part()  # nothing but the operator's eye sees what lies there
        self.tell(m.Begin(self.job(work, trial=trial)))
        return True

    def job(self, work: Work, *, trial: bool = False) -> m.Job:
        return m.Job(
            order=work.order.id,
            job=work.job,
            component=work.component.name,
            positions=(1,) if trial else work.positions,
            start="plc" if self.setup.by_input else "operator",
            by_input=self.setup.by_input and not trial,
            look=self.setup.reader,
            waits=self.setup.waits,
            eye=work.order.verify.mode == "eye",
            trial=trial,
            own=frozenset(m.Seen(k.position, k.content) for k in work.marks if work.again),
        )

    def judge(self) -> None:
        """An honest eye."""
        opened = self.cycle.open
        assert opened is not None
        fine = {
            mark.position
            for mark in opened.marks
            if self.table[mark.position].content == mark.content
            and self.table[mark.position].legible
        }
        self.tell(m.Judged(opened.due - fine))

    def put_aside(self) -> None:
        self.change_part()
        self.tell(m.Acknowledged())

    def type_in(self, position: int, content: str) -> None:
        """Whoever types holds the part in the hand, and lays it where it belongs."""
        self.tell(m.Typed(m.Seen(position, content)))
        self.take_away(position, content)

    def decide(self, how: str | None = None, positions: Iterable[int] | None = None) -> None:
        """Two honest people, for the positions that are due; the parts go where they say."""
        opened = self.cycle.open
        assert opened is not None
        assert self.shot is None, "settled while it may fire"
        assert self.disarm_confirmed, "settled before a disarm was confirmed"
        marks = {mark.position: mark for mark in opened.marks}
        wanted = sorted(opened.due if positions is None else positions)

        def ends(position: int) -> str:
            on_metal = self.carrying(marks[position].content)
            return how or ("accepted" if on_metal else "scrapped")

        for said, group in groupby(sorted(wanted, key=ends), key=ends):
            places = frozenset(group)
            for position in sorted(places):
                self.settle((opened.seq, position), said)
                if said != "remark":
                    self.take_away(position, marks[position].content)
            self.tell(m.Decided(said, places))

    def settle(self, at: MarkAt, how: str) -> None:
        """Two people's word on one mark; the last on an unknown one frees the station."""
        self.write(lambda seq: records.settled(seq, at[0], how, at[1]))
        opened = self.ledger.station(records.STATION).open
        if records.STATION in self.ledger.unknown and not (opened and opened.unknown):
            self.write(records.unlatched)

    def leave_open(self) -> None:
        """Two people free the station and settle nothing."""
        opened = self.cycle.open
        assert opened is not None
        assert records.STATION in self.ledger.unknown, "a latch that nobody journalled"
        self.write(records.unlatched)
        for mark in opened.marks:
            if mark.position in opened.unknown:
                self.take_away(mark.position, mark.content)
        self.tell(m.Decided("left-open", opened.unknown))

    # -- after it all

    def calm_down(self, limit: int = 300) -> None:
        """No more faults, and people who do what the screen says: it must come to rest."""
        for _ in range(limit):
            if isinstance(self.effect, m.Look) and self.effect.waiting:
                self.change_part()
            if self.effect is not None:
                self.carry_out()
                continue
            match self.cycle.phase:
                case m.Phase.IDLE:
                    return
                case m.Phase.JUDGING:
                    self.judge()
                case m.Phase.SET_ASIDE:
                    self.put_aside()
                case m.Phase.READ_BLOCKED:
                    self.tell(m.ReadAgain())
                case phase:
                    assert phase is m.Phase.UNKNOWN
                    self.decide()
        raise AssertionError(f"still {self.cycle.phase} after {limit} steps without a fault")

    def audit(self) -> None:
        """Every number has an outcome, and every engraved one an end; call when all is calm."""
        ended = {(r.of.seq, r.position) for r in self.journal if isinstance(r, Verified | Settled)}
        freed = [r.seq for r in self.journal if isinstance(r, Unlatched)]
        assert len(freed) == sum(isinstance(r, Latched) for r in self.journal)
        for at, mark in self.marks():
            did = self.outcomes[at]
            assert mark.readback is not None
            if did == "unknown":
                assert at in ended or any(seq > at[0] for seq in freed)
            elif did == "done" and mark.readback.mode in ("each", "eye"):
                assert at in ended, "a done mark that nobody looked at"
        station = self.ledger.station(records.STATION)
        assert station.open is None
        assert self.ledger.unknown == {}
        for order, counts in station.made.items():
            assert sum(counts.values()) == sum(mark.order == order for _, mark in self.marks())
            assert min(counts.values()) >= 0
        assert all(len(group) < self.setup.every for group in station.groups.values())
