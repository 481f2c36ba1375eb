"""A station as physics has it: parts, a marker that may be armed, a reader that may be late.

`Metal` carries the cycle's effects out and checks, at each, what must never break. It knows
nothing of how the cycle reaches its decisions; what is engraved is the only truth. Whoever plays
it (examples, or Hypothesis) chooses each effect's `Fate`, and when a pedal is pressed, a part
is swapped or the process ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum

from drivers.protocols import Activity, Did, MarkerStatus, Outcome
from gateway import cycle as c
from gateway import moves as m
from gateway.contract.record import Intent, Latched, Marked, Record, Settled, Unlatched, Verified
from gateway.ledger import Ledger
from tests.gateway import records

SEQUENCES = 65535


class Fate(Enum):
    """What becomes of an effect, at the device and on the way back."""

    DONE = "done"
    REFUSED = "refused: nothing was started"
    FAILED = "failed before it had any effect"
    LOST = "carried out, but its answer was lost"
    KILLED_BEFORE = "the process ended before it"
    KILLED_AFTER = "carried out, and the process ended before it knew"


@dataclass(eq=False)
class Part:
    """One piece of metal."""

    content: str | None = None
    legible: bool = True


@dataclass(frozen=True)
class Setup:
    """What the station has."""

    by_input: bool = False
    reader: bool = True
    keeps: bool = False
    """The marker keeps its last result under a command number, as a cell on Modbus does."""


@dataclass
class Metal:
    """The station's devices, its parts, its journal and the cycle that runs on them."""

    setup: Setup
    parts: list[Part] = field(default_factory=list)
    part: Part = field(default_factory=Part)
    armed: str | None = None
    armed_intent: int | None = None
    loaded_sequence: int = 0
    last_sequence: int = 0
    last_result: Did | None = None
    fired: bool = False
    """Since the last arming."""
    busy: int = 0
    """So many more inspections find it marking."""
    legible: bool = True
    """Whether the next engraving can be read."""
    seen_before: str | None = None
    """What a reader that is late still delivers."""
    journal: list[Record] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    guard: int = 0
    cycle: m.Cycle = field(default_factory=m.Cycle)
    effect: m.Effect | None = None
    numbers: int = 0
    ever_armed: set[int] = field(default_factory=set)
    disarm_confirmed: bool = True

    def __post_init__(self) -> None:
        self.parts.append(self.part)
        self.start()

    # -- the process

    def tell(self, event: m.Event) -> None:
        before = self.cycle
        self.cycle, self.effect = c.step(before, event)
        if self.effect is None:
            assert self.cycle.phase in m.RESTING, f"{self.cycle.phase} has no way out"
        if self.cycle.phase is m.Phase.IDLE:
            assert self.armed is None, "idle, and the device may fire"

    def start(self) -> None:
        """The process starts, after whatever ended it; it knows what the journal tells."""
        ledger = Ledger()
        for record in self.journal:
            ledger.apply(record)
        assert ledger == self.ledger, "the journal tells another story than was lived"
        station = ledger.station(records.STATION)
        found = station.open or station.aside
        if found is not None:
            found = replace(found, eye=not self.setup.reader)
        self.cycle, self.effect = m.Cycle(), None
        self.tell(m.Recover(found, station.before))

    def write(self, make: Callable[[int], Record]) -> Record:
        record = make(len(self.journal) + 1)
        self.journal.append(record)
        self.ledger.apply(record)
        return record

    # -- physics

    def shoot(self) -> None:
        """Whoever triggers: what is armed is engraved, once."""
        if self.armed is None:
            return
        assert self.part.content is None, f"{self.part.content} is marked over with {self.armed}"
        carrying = [part for part in self.parts if part.content == self.armed]
        assert carrying == [], f"{self.armed} on two parts"
        self.part.content, self.part.legible = self.armed, self.legible
        self.last_sequence, self.last_result = self.loaded_sequence, Did.DONE
        self.armed, self.fired = None, True

    def pedal(self) -> None:
        if self.setup.by_input:
            self.shoot()

    def change_part(self, part: Part | None = None) -> None:
        """Another part comes to the station; a fresh, blank one unless one is given."""
        if self.part.content is not None and self.part.legible:
            self.seen_before = self.part.content
        self.part = part or Part()
        if self.part not in self.parts:
            self.parts.append(self.part)

    def _session(self, *, late: bool) -> m.Event:
        found = [self.part.content] if self.part.content and self.part.legible else []
        if late and self.seen_before is not None:
            found.append(self.seen_before)
        return m.Saw(tuple(dict.fromkeys(found)))

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
        elif fate is Fate.LOST and not isinstance(
            effect, m.CommitIntent | m.RecordMarked | m.RecordVerified | m.RecordTrial
        ):
            self.tell(m.Failed(m.Note("link-timeout")))
        else:
            self.tell(event)

    def _without(self, effect: m.Effect, fate: Fate) -> m.Event:
        note = m.Note("device-refused" if fate is Fate.REFUSED else "link-timeout")
        match effect:
            case m.CommitIntent():
                return m.NotPermitted(m.Note("lease-ended"))
            case m.RecordMarked() | m.RecordVerified() | m.RecordTrial():
                return self._with(effect)  # the journal is tried until it takes them
            case m.WriteGuard():
                return m.Failed(m.Note("guard-not-written"))
        return m.Refused(note) if fate is Fate.REFUSED else m.Failed(note)

    def _with(self, effect: m.Effect, *, late: bool = False, lie: bool = False) -> m.Event:
        match effect:
            case m.Prepare():
                assert self.armed is None
                self.fired = False
                sequence = self.last_sequence % SEQUENCES + 1
                return m.Prepared(self._status(), sequence if self.setup.keeps else None)
            case m.Look():
                assert self.setup.reader
                return self._session(late=late)
            case m.CommitIntent(job=job, sequence=sequence):
                return self._commit(job, sequence)
            case m.WriteGuard():
                self.guard = len(self.journal)
                return m.Done()
            case m.Arm(marks=marks, sequence=sequence):
                self._arm(marks[0].content if marks else None, sequence)
                return m.Done()
            case m.Fire():
                self.shoot()
                return m.Done()
            case m.AwaitOutcome():
                return self._await(lie=lie)
            case m.Inspect():
                return m.Inspected(self._status())
            case m.Disarm():
                return self._disarm(lie=lie)
            case m.RecordMarked():
                return self._record_marked(effect)
            case m.RecordTrial(outcome=outcome):
                assert (outcome.did is Did.DONE) <= self.fired
                assert outcome.did is not Did.NOT_STARTED or not self.fired
                self.write(lambda seq: records.trial(seq, "TRIAL", outcome.did.value))
                return m.Done()
            case m.Read():
                assert self.setup.reader
                assert self.armed is None
                assert self.disarm_confirmed, "read before a disarm was confirmed"
                return self._session(late=late)
            case m.RecordVerified():
                return self._record_verified(effect)
        raise AssertionError(effect)

    def _status(self) -> MarkerStatus:
        if self.busy:
            self.busy -= 1
            return MarkerStatus(Activity.MARKING)
        activity = Activity.ARMED if self.armed else Activity.READY
        if not self.setup.keeps:
            return MarkerStatus(activity)
        last = Outcome(self.last_result) if self.last_result else None
        return MarkerStatus(activity, "", self.last_sequence, last)

    def _commit(self, job: m.Job, sequence: int | None) -> m.Event:
        if job.trial:
            return m.Done()
        self.numbers += 1
        record = self.write(
            lambda seq: records.intent(seq, self.numbers, sequence=sequence),
        )
        assert isinstance(record, Intent)
        return m.Committed(record.seq, record.marks, sequence)

    def _arm(self, content: str | None, sequence: int | None) -> None:
        if content is None:
            content = f"TRIAL {len(self.journal)}.{len(self.parts)}"
        else:
            last = max(record.seq for record in self.journal if isinstance(record, Intent))
            opened = self.ledger.station(records.STATION).open
            assert opened is not None
            assert opened.seq == last
            assert opened.marks[0].content == content
            assert self.guard >= last, "armed before the guard knew of the intent"
            assert last not in self.ever_armed, "armed twice for one intent"
            self.ever_armed.add(last)
        self.armed, self.fired, self.disarm_confirmed = content, False, False
        self.loaded_sequence = sequence or 0

    def _await(self, *, lie: bool) -> m.Event:
        if lie:
            return m.Ended(Outcome(Did.UNKNOWN, "no end report"))
        if self.fired:
            return m.Ended(Outcome(Did.DONE))
        return m.Ended(Outcome(Did.NOT_STARTED, "no trigger"))

    def _disarm(self, *, lie: bool) -> m.Event:
        still_armed = self.armed is not None
        self.armed, self.disarm_confirmed = None, True
        if lie:
            return m.Disarmed(None)
        if self.setup.keeps and self.cycle.open is not None:
            if self.cycle.open.sequence == self.last_sequence:
                return m.Disarmed(Outcome(Did.DONE) if self.last_result else None)
            return m.Disarmed(Outcome(Did.NOT_STARTED, "its last number is another"))
        if still_armed:
            return m.Disarmed(Outcome(Did.NOT_STARTED, "disarmed with its text still loaded"))
        return m.Disarmed(None)

    def _carrying(self, content: str) -> list[Part]:
        return [part for part in self.parts if part.content == content]

    def _record_marked(self, effect: m.RecordMarked) -> m.Event:
        content = self._content_of(effect.intent)
        did = effect.outcome.did
        assert not any(isinstance(r, Marked) and r.intent == effect.intent for r in self.journal)
        if did is Did.NOT_STARTED:
            assert self.armed is None, "not started, and it may still fire"
            assert self._carrying(content) == [], "not started, and it is on a part"
        elif did is Did.DONE:
            assert len(self._carrying(content)) == 1, "done, and no part carries it"
        self.write(lambda seq: records.marked(seq, effect.intent, did.value, effect.outcome.cause))
        if effect.latches:
            assert did is Did.UNKNOWN
            self.write(records.latched)
        return m.Done()

    def _record_verified(self, effect: m.RecordVerified) -> m.Event:
        content = self._content_of(effect.intent)
        if effect.verdict == "good":
            assert len(self._carrying(content)) == 1, "good, and no part carries it"
            assert effect.content in (content, None)
        entry = effect.entry
        self.write(
            lambda seq: records.verified(seq, effect.intent, effect.verdict, effect.content, entry)
        )
        latched = records.STATION in self.ledger.unknown
        if effect.resolves:
            self.write(lambda seq: records.settled(seq, effect.intent, "read"))
            if latched:
                self.write(records.unlatched)
        elif effect.latches and not latched:
            self.write(records.latched)
        return m.Done()

    def _content_of(self, seq: int) -> str:
        record = self.journal[seq - 1]
        assert isinstance(record, Intent)
        return record.marks[0].content

    # -- people

    def job(self, *, trial: bool = False) -> m.Job:
        return m.Job(
            order="o1",
            job="1",
            start="plc" if self.setup.by_input else "operator",
            by_input=self.setup.by_input and not trial,
            look=self.setup.reader,
            eye=not self.setup.reader,
            trial=trial,
        )

    def begin(self, *, trial: bool = False) -> None:
        if not self.setup.reader and self.part.content is not None:
            self.change_part()  # nothing but the operator's eye sees what lies there
        self.tell(m.Begin(self.job(trial=trial)))

    def judge(self) -> None:
        """An honest eye."""
        assert self.cycle.open is not None
        wanted = self.cycle.open.marks[0].content
        self.tell(m.Judged(self.part.content == wanted and self.part.legible))

    def put_aside(self) -> None:
        self.change_part()
        self.tell(m.Acknowledged())

    def decide(self, *, leave_open: bool = False) -> None:
        """Two honest people; the part goes where they say."""
        opened = self.cycle.open
        assert opened is not None
        assert self.armed is None, "settled while it may fire"
        assert self.disarm_confirmed, "settled before a disarm was confirmed"
        if leave_open and self.cycle.phase is m.Phase.UNKNOWN:
            assert records.STATION in self.ledger.unknown, "a latch that nobody journalled"
            self.write(records.unlatched)
            how = "left-open"
        else:
            how = "accepted" if self._carrying(opened.marks[0].content) else "scrapped"
            self.write(lambda seq: records.settled(seq, opened.seq, how))
            if records.STATION in self.ledger.unknown:
                self.write(records.unlatched)
        self.change_part()
        self.tell(m.Decided(how))

    # -- after it all

    def calm_down(self, limit: int = 200) -> None:
        """No more faults, and people who do what the screen says: it must come to rest."""
        for _ in range(limit):
            if self.effect is not None:
                self.carry_out()
            elif self.cycle.phase is m.Phase.IDLE:
                return
            elif self.cycle.phase is m.Phase.JUDGING:
                self.judge()
            elif self.cycle.phase is m.Phase.SET_ASIDE:
                self.put_aside()
            elif self.cycle.phase is m.Phase.READ_BLOCKED:
                self.tell(m.ReadAgain())
            else:
                assert self.cycle.phase is m.Phase.UNKNOWN
                self.decide()
        raise AssertionError(f"still {self.cycle.phase} after {limit} steps without a fault")

    def audit(self) -> None:
        """Every number has an outcome, and every engraved one an end; call when all is calm."""
        ended = {r.of.seq for r in self.journal if isinstance(r, Verified | Settled)}
        outcomes = {r.intent: r.results[0].did for r in self.journal if isinstance(r, Marked)}
        freed = [r.seq for r in self.journal if isinstance(r, Unlatched)]
        latches = [r.seq for r in self.journal if isinstance(r, Latched)]
        assert len(freed) == len(latches)
        for record in self.journal:
            if not isinstance(record, Intent):
                continue
            did = outcomes[record.seq]
            if did == "not_started":
                assert self._carrying(record.marks[0].content) == []
            else:
                left_open = any(seq > record.seq for seq in freed)
                assert record.seq in ended or left_open
        assert self.ledger.station(records.STATION).open is None
        assert self.ledger.unknown == {}
