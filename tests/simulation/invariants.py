"""What must never break, held against the simulated metal: at every step, and at the end.

`architecture.md` names the promises; each check here says which one it is. A check that a fault
excuses names the fault: what no program could have prevented is told, and not held against one.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from central.ingest.facts import MarkKey, Received, RecordKey
from central.ingest.rules import examine
from central.plan.facts import Issue
from central.reconcile.balance import IssuedBlock, unclaimed
from drivers.protocols import Shot
from gateway.apparatus import TRIAL_CONTENT
from gateway.contract.record import (
    Intent,
    Mark,
    Marked,
    Record,
    Repeat,
    Settled,
    Verified,
    decode_record,
)
from gateway.core import Core
from gateway.moves import Note, Phase
from gateway.numbering import tells_pieces_apart
from tests.simulation.bench import Bench
from tests.simulation.first_pieces import FirstPieces
from tests.simulation.machine import Machine
from tests.simulation.metal import Engraving, MarkRef, Part
from tests.simulation.officers import newest
from tests.simulation.shifts import Shifts

if TYPE_CHECKING:
    from tests.simulation.world import World


LEASE_SLACK_S = 3.0
"""So long the register may take to commit, and to publish the receipt."""


class Broken(BaseException):
    """A promise was broken; `str()` says which. No program's supervisor holds it up."""


@dataclass
class Journalled:
    """What one machine's journals said, as they were written."""

    seen: dict[int, int] = field(default_factory=dict)
    """By epoch, how many records were taken in."""


class Watch:
    """Looks on at every step. Raises `Broken`."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.marks: dict[MarkRef, Mark] = {}
        """Every mark that any journal ever announced, durably."""
        self.not_started: dict[MarkRef, float] = {}
        self.contents: dict[tuple[str, str], str] = {}
        """By UII and component, of every mark that was ever announced."""
        self.alike: set[tuple[str, str]] = set()
        """By content and component: what was read on another piece that carries the same symbol."""
        self.engraved: dict[MarkRef, list[Part]] = {}
        self.outcomes: dict[MarkRef, set[str]] = {}
        """What the marker did, by the journal: one that was set back may say otherwise later."""
        self.read_good: set[MarkRef] = set()
        """By a device."""
        self.armed: set[tuple[str, int, int]] = set()
        self.remarks: set[str] = set()
        """Contents that people allowed to be marked once more."""
        self.latched: set[tuple[str, int]] = set()
        """Machines and epochs that a latch has stopped for good."""
        self._issued: dict[str, list[tuple[int, int]]] = {}
        """By number space, every block that was ever issued, half-open."""
        self._forbidden: dict[str, int] = {}
        """By bench, the intent that was armed a second ago already though nothing permitted it."""
        self._journals: dict[str, Journalled] = {}
        self._said: list[tuple[MarkRef, str]] = []
        """What the journals say that people decided, and of which mark."""
        self._firsts = FirstPieces()
        self._shifts = Shifts()
        world.metal.on_engraved = self.on_engraved

    # -- the journal

    def adopt(self, machine: Machine) -> None:
        """A copy, or an old state, of a journal that was seen already."""
        entries = len(machine.epoch.disk.entries)
        self._journals.setdefault(machine.label, Journalled()).seen[max(machine.epochs)] = entries

    def on_records(self, machine: Machine) -> None:
        """Something was journalled durably, or a journal fell back."""
        seen = self._journals.setdefault(machine.label, Journalled()).seen
        epoch = max(machine.epochs)
        entries = machine.epoch.disk.entries
        for entry in entries[seen.get(epoch, 0) :]:
            self._journalled(machine, epoch, decode_record(entry.body))
        seen[epoch] = len(entries)

    def _journalled(self, machine: Machine, epoch: int, record: Record) -> None:
        self._world.tell(f"{machine.label}/{record.station or '*'}", told(record))
        orders = self._world.centre.officers.orders.values()
        asks = "approved-by-second"
        asking = frozenset(each.code for each in orders if each.verify.first_piece == asks)
        fault = self._firsts.hear(machine.label, machine.name, epoch, record, asking)
        fault = fault or self._shifts.hear(
            machine.label, machine.name, epoch, record, machine.epoch.disk.entries
        )
        if fault and not (machine.lied or machine.doubtful):
            raise Broken(fault)
        match record:
            case Intent():
                self._intent(machine, epoch, record)
            case Marked():
                self._marked(machine, epoch, record)
            case Verified(verdict="good", entry="device"):
                self._read_good(machine, record)
            case Verified(entry="eye", verdict=verdict):
                how = "legible" if verdict == "good" else "illegible"
                self._said.append((ref_of(record), how))
            case Settled(how="read"):
                self._is_legible(ref_of(record), "settled by a read")
            case Settled(how=how):
                ref = ref_of(record)
                self._said.append((ref, how))
                if how == "remark" and ref in self.marks:
                    self.remarks.add(self.marks[ref].content)
            case _:
                pass

    def _intent(self, machine: Machine, epoch: int, record: Intent) -> None:
        run = machine.run
        assert run is not None
        if run.latches:
            raise Broken(f"{machine.label}: an intent after the latch {machine.latches}")
        if run.contradicted:
            raise Broken(f"{machine.label}: an intent, though {run.contradicted}")
        if (machine.label, epoch) in self.latched and not (machine.lied or machine.doubtful):
            raise Broken(f"{machine.label}: an intent, and the epoch was latched")
        self._has_leave(machine)
        begun = self._world.operator(machine.benches[record.station or ""]).begun
        for mark in record.marks:
            if mark.order != begun:
                raise Broken(f"{machine.label}: {mark.order} is marked, and {begun} was begun")
            ref = MarkRef(machine.name, epoch, record.seq, mark.position)
            former = self.marks.get(ref)
            if former is not None and former.content != mark.content:
                self._world.excuse(machine, f"record {record.seq} was another one before")
                self.engraved.pop(ref, None)
                self.not_started.pop(ref, None)
            self.marks[ref] = mark
            self.contents[mark.item.uii, mark.component] = mark.content

    def _has_leave(self, machine: Machine) -> None:
        """An intent is made in trusted time, and not after the true end of the lease."""
        core, clock = machine.core, machine.clock
        assert core is not None
        answered, plan = core.permission.answered, core.permission.plan
        by_itself = clock.synchronised or machine.hardware_clock
        if not (answered or by_itself):
            raise Broken(f"{machine.label}: an intent without trusted time")
        if not answered and clock.offset < 0:
            return  # what the kernel or the configuration vouches for in error is an assumption
        late = (self._world.centre.now() - plan.lease_until).total_seconds() if plan else 0.0
        if late > LEASE_SLACK_S + self._world.broker.longest_way_s:
            raise Broken(f"{machine.label}: an intent {late:.0f} s after the end of its lease")

    def _marked(self, machine: Machine, epoch: int, record: Marked) -> None:
        device = machine.benches[record.station or ""].device
        for result in record.results:
            ref = MarkRef(machine.name, epoch, record.intent, result.position)
            if device.armed and device.whose.marks.get(result.position) == ref:
                raise Broken(f"{result.did}, by record {record.seq}: {device.name} is still armed")
            self.outcomes.setdefault(ref, set()).add(result.did)
            if result.did == "not_started":
                self.not_started[ref] = self._world.loop.now
                if self.engraved.get(ref):
                    why = f"not started, by record {record.seq}: it is on a part"
                    if device.kind == "cell" and self._made(device.name, ref):
                        # It counts its shots, however old the journal is.
                        raise Broken(f"{device.name}: {why}")
                    self._world.excuse_old(machine, why)
            elif (
                result.did == "done"
                and ref not in self.engraved
                and not any(each.mark == ref for each in self._world.metal.air)
            ):
                raise Broken(f"done, by record {record.seq}: nothing was engraved")

    def _made(self, device: str, ref: MarkRef) -> bool:
        """Whether it was this device: a copy's journal counts on from the same record."""
        return any(
            each.mark == ref and each.device == device
            for part in self.engraved[ref]
            for each in part.engravings
        )

    def _read_good(self, machine: Machine, record: Verified) -> None:
        ref = ref_of(record)
        self.read_good.add(ref)
        station = machine.station(record.station or "")
        opened = None if station is None else station.cycle.open
        if opened is None or ref[:3] != (machine.name, max(machine.epochs), opened.seq):
            self._is_legible(ref, "read and good")
            return  # read outside of its cycle: at whatever place it lay
        eye = machine.benches[record.station or ""].eyes[record.position - 1]
        if record.content not in eye.delivered:
            raise Broken(
                f"{record.content}: good at position {record.position}, and not seen there"
            )
        mark = self.marks[ref]
        if tells_pieces_apart(mark) or not self._world.metal.carriers(mark.content):
            self._is_legible(ref, "read and good")
        elif not self._world.metal.legible(mark.content, mark.component):
            # Somebody laid another piece of the same number there, and the symbol is the same.
            self._world.tell("watch", f"{mark.content} was read on another piece")
            self.alike.add((mark.content, mark.component))

    def _is_legible(self, ref: MarkRef, how: str) -> None:
        mark = self.marks.get(ref)
        if mark is not None and not self._world.metal.legible(mark.content, mark.component):
            raise Broken(f"{mark.content}: {how}, and no part carries it legibly")

    def people_said_so(self) -> None:
        """What a journal says that people decided of a mark, they decided of that mark."""
        decided = {(each.mark, each.how) for each in self._world.decisions}
        for ref, how in self._said:
            if (ref, how) not in decided:
                raise Broken(f"{ref}: {how}, and nobody said so of it")

    # -- as time goes by

    def every_second(self) -> None:
        """What must not last: latches are kept, and an armed device that may not mark is not."""
        self.samples_were_read()
        for machine in self._world.machines:
            if not machine.epochs:
                continue
            if machine.latches:
                self._latched(machine)
            if machine.core is not None:
                self._has_its_lease(machine.core, machine)
                for bench in machine.benches.values():
                    self._may_wait(machine, bench)

    def samples_were_read(self) -> None:
        """A group is good by the read of its sample, and not before."""
        for group in self._world.centre.register.held.groups.values():
            if group.state == "good" and MarkRef(*group.sample()) not in self.read_good:
                raise Broken(f"the group of {group.id} is good, and nobody has read its sample")

    def _latched(self, machine: Machine) -> None:
        name = (machine.label, max(machine.epochs))
        if name in self.latched:
            return
        self.latched.add(name)
        if not self._world.may_latch(machine):
            raise Broken(f"{machine.label}: latched ({', '.join(machine.latches)}) for no reason")

    def _has_its_lease(self, core: Core, machine: Machine) -> None:
        """No clock ends a lease too early, unless the kernel vouches for a false time."""
        permission, clock = core.permission, machine.clock
        if permission.plan is None or (clock.synchronised and clock.offset > 0):
            return
        is_right = clock.synchronised and clock.offset == 0 and not machine.misled
        if not (permission.answered or is_right):
            return
        left = (permission.plan.lease_until - self._world.centre.now()).total_seconds()
        known = core.logbook.clock
        if left > 0 and not (known.trusted() and known.lease_now() < permission.plan.lease_until):
            raise Broken(f"{machine.label}: its lease ends {left:.0f} s too early")

    def _may_wait(self, machine: Machine, bench: Bench) -> None:
        """Whether what is armed and waits for the device's own input may still wait."""
        station = machine.station(bench.config.name)
        assert station is not None
        cycle = station.cycle
        if cycle.phase is not Phase.WAITING or cycle.open is None or not station.by_input:
            self._forbidden.pop(bench.name, None)
            return
        found = station.permission.ask(cycle.open.marks[0].order)
        if not isinstance(found, Note):
            self._forbidden.pop(bench.name, None)
        elif self._forbidden.get(bench.name) == cycle.open.seq:
            raise Broken(f"{bench.name}: still armed, a second after {found.code}")
        else:
            self._forbidden[bench.name] = cycle.open.seq

    # -- the register

    def on_issue(self, issue: Issue) -> None:
        """No number is issued twice, whatever a restored register has forgotten."""
        start, end = issue.start, issue.start + issue.size
        issued = self._issued.setdefault(issue.space, [])
        if any(start < other_end and other < end for other, other_end in issued):
            raise Broken(f"numbers {start} to {end - 1} of {issue.space}: issued a second time")
        issued.append((start, end))

    def on_work(self, what: str) -> None:
        """A register that was proved older than it was commits nothing and signs nothing."""
        if self._world.centre.must_hold:
            raise Broken(f"{what}: an undeclared restore was proved, and the register goes on")

    # -- the device

    def on_arm(self, machine: Machine, bench: Bench, shot: Shot) -> None:
        """The first byte of a shot is about to enter the device."""
        station = machine.station(bench.config.name)
        assert station is not None
        opened = station.cycle.open
        if opened is None:
            if any(mark.content != TRIAL_CONTENT for mark in shot.marks):
                raise Broken(f"{bench.name}: a number is armed, and no intent announced it")
            return
        journal = machine.epoch.disk
        epoch, seq = journal.epoch, opened.seq
        if seq > len(journal.entries):
            raise Broken(f"{bench.name}: armed before record {seq} was durable")
        record = decode_record(journal.entries[seq - 1].body)
        if not isinstance(record, Intent):
            raise Broken(f"{bench.name}: armed for record {seq}, which is no intent")
        told = {mark.position: mark.content for mark in record.marks}
        if {mark.position: mark.content for mark in shot.marks} != told:
            raise Broken(f"{bench.name}: what is armed is not what record {seq} announced")
        guarded = self._world.guarded(machine)
        if guarded is None or guarded < (epoch, seq):
            raise Broken(f"{bench.name}: armed for record {seq}, the guard knows {guarded}")
        name = (machine.label, epoch, seq)
        if name in self.armed and not machine.doubtful:
            raise Broken(f"{bench.name}: armed twice for record {seq}")
        self.armed.add(name)
        for eye in bench.eyes:
            if eye.position in told and eye.sessions <= eye.at_prepare:
                raise Broken(f"{bench.name}: armed, and nothing looked at position {eye.position}")

    def on_engraved(self, part: Part, engraving: Engraving) -> None:
        ref = engraving.mark
        former = part.engravings[:-1]
        if ref is not None:
            self.engraved.setdefault(ref, []).append(part)
            if ref in self.not_started and not self._world.excused(ref):
                raise Broken(f"{engraving.content}: engraved, and it was called not started")
            if ref in self.outcomes and not self._world.excused(ref):
                did = " and ".join(sorted(self.outcomes[ref]))
                raise Broken(f"{engraving.content}: engraved, after it was called {did}")
        if former:
            self._over(part, engraving, former)
        others = [
            each for each in self._world.metal.carriers(engraving.content) if each is not part
        ]
        if others and ref is not None:
            self._twice(part, engraving, others)

    def _over(self, part: Part, engraving: Engraving, former: list[Engraving]) -> None:
        """A marked part is not marked over, save with its own number where people allowed it."""
        own = all(each.content == engraving.content for each in former)
        if own and engraving.content in self.remarks:
            return
        seen = [each for each in former if each.legible]
        why = self._world.unseen(part, engraving)
        if seen and not why:
            raise Broken(f"{part}: {former[-1].content} is marked over with {engraving.content}")
        self._world.tell("watch", f"{part} is marked over: {why or 'what was there is illegible'}")
        self._world.marked_over.append(part)

    def _twice(self, part: Part, engraving: Engraving, others: list[Part]) -> None:
        mark = self.marks.get(engraving.mark) if engraving.mark else None
        same = [
            each
            for other in others
            for each in other.engravings
            if each.content == engraving.content
        ]
        if mark is not None and isinstance(mark.source, Repeat):
            if all(each.component != engraving.component for each in same):
                return  # another component of the same weapon
            if engraving.content in self.remarks:
                self._world.false_remark(engraving.content, part)
                return
        if any(self._world.excused(each.mark) for each in (*same, engraving)):
            self._world.tell("watch", f"{engraving.content} on two parts, by two journals")
            self._world.doubled.add(engraving.content)
            return
        raise Broken(f"{engraving.content}: on {others[0]} and on {part}")


def ref_of(record: Verified | Settled) -> MarkRef:
    """The mark that a record speaks of."""
    return MarkRef(record.of.gateway, record.of.epoch, record.of.seq, record.position)


def told(record: Record) -> str:
    """A record in a line, for the story."""
    match record:
        case Intent():
            words = " ".join(f"{mark.position}:{mark.content}" for mark in record.marks)
        case Marked():
            dids = " ".join(f"{each.position}:{each.did} {each.cause}" for each in record.results)
            words = f"of {record.intent}, {dids}"
        case Verified():
            of, says = record.of, record.content or ""
            where = f"{of.gateway}/{of.epoch}/{of.seq}/{record.position}"
            words = f"of {where}, {record.entry}: {record.verdict} {says}"
        case Settled():
            of = record.of
            words = f"of {of.gateway}/{of.epoch}/{of.seq}/{record.position}: {record.how}"
        case _:
            words = ""
    return f"record {record.seq}: {record.type} {words}".rstrip()


def at_the_end(world: "World") -> None:
    """All is delivered, or latched: do metal, journals and register agree? Raises `Broken`."""
    _everything_is_delivered(world)
    _what_could_be_proved_is_salvaged(world)
    _what_two_journals_announced_is_disputed(world)
    _what_is_engraved_is_claimed(world)
    _what_is_good_is_engraved(world)
    _what_is_good_was_seen(world)
    world.watch.people_said_so()
    _nothing_is_refused(world)
    _every_number_is_accounted_for(world)


def _everything_is_delivered(world: "World") -> None:
    for machine in world.machines:
        if machine.latches or not machine.epochs:
            continue
        disk = machine.epoch.disk
        stream = world.centre.register.streams.get((machine.name, disk.epoch))
        if stream is None:
            raise Broken(f"{machine.label}: the register knows no epoch {disk.epoch}")
        if stream.committed != len(disk.entries):
            raise Broken(
                f"{machine.label}: the register holds {stream.committed} of {len(disk.entries)}"
            )
        if disk.entries and stream.head != disk.entries[-1].head:
            raise Broken(f"{machine.label}: the register's head is another one")


def _what_could_be_proved_is_salvaged(world: "World") -> None:
    for name, proved in world.salvaged.items():
        for seq, could in proved.items():
            if could and RecordKey(*name, seq) not in world.centre.register.rows:
                raise Broken(f"{name[0]} epoch {name[1]} record {seq}: proved, and not salvaged")


def _what_two_journals_announced_is_disputed(world: "World") -> None:
    """Each number of a signed batch that the register keeps because a second journal went on."""
    register = world.centre.register
    disputed = register.disputed_uiis()
    for evidence in register.evidence:
        if evidence.reason not in ("forked", "two-of-me", "latched"):
            continue
        received = examine(evidence.gateway, evidence.payload)
        assert isinstance(received, Received)
        name = (evidence.gateway, received.batch.header.epoch)
        if register.streams[name].state == "closed":
            continue
        for record, head in zip(received.records, received.chain, strict=True):
            if not isinstance(record, Intent) or register.heads[name].get(record.seq) == head:
                continue
            for mark in record.marks:
                if mark.item.uii not in disputed:
                    raise Broken(
                        f"{mark.content}: two journals of {name[0]} went on, and nobody is told"
                    )


def _what_is_engraved_is_claimed(world: "World") -> None:
    held = world.centre.register.held
    for part in world.metal.parts:
        for engraving in part.engravings:
            ref = engraving.mark
            if ref is None:
                continue
            mark = world.watch.marks[ref]
            if mark.content != engraving.content:
                continue  # its record was lost with the disk, and another one has its number
            item = held.items.get((mark.item.uii, mark.component))
            if item is None:
                if not (world.lost_with_its_journal(ref) or world.excused(ref)):
                    raise Broken(f"{engraving.content} is on {part}; the register has no claim")
                continue
            if item.state == "voided" and not (
                world.decided(ref, "voided")
                or (world.lost_with_its_journal(ref) and not world.centre.heard(*ref[:3]))
                or world.excused(ref)
            ):
                raise Broken(f"{engraving.content} is on {part}, and the register says voided")


def _what_is_good_is_engraved(world: "World") -> None:
    register = world.centre.register
    for key, item in register.held.items.items():
        if item.state != "good":
            continue
        content = world.watch.contents[key]
        if (content, item.component) in world.watch.alike:
            continue
        if world.metal.legible(content, item.component):
            continue
        shots = [each.content for each in world.metal.air]
        if item.basis == "sample" and (
            content in shots or world.metal.engraved(content, item.component)
        ):
            continue  # nobody looked at it: the marker's word and the sample spoke for it
        if any(d.content == content and not d.true for d in world.decisions):
            world.tell("watch", f"{content} is good by what people said; no part carries it")
            continue
        raise Broken(f"{content} is good in the register, and no part carries it legibly")


def _what_is_good_was_seen(world: "World") -> None:
    """What was unknown is never good by what somebody typed, nor a group before its sample."""
    held, watch = world.centre.register.held, world.watch
    watch.samples_were_read()
    last = {claim.item: MarkRef(*mark) for mark, claim in held.claims.items()}
    for key, item in held.items.items():
        if world.excused(last[key]):
            continue
        was_unknown = watch.outcomes.get(last[key]) == {"unknown"}
        if item.basis == "keyed" and was_unknown and last[key] not in watch.read_good:
            raise Broken(f"{item.serial} {item.component}: unknown, and good by what was typed")


def _nothing_is_refused(world: "World") -> None:
    held = world.centre.register.held
    for key, found in sorted(held.refused.items()):
        told = f"{key.gateway} epoch {key.epoch} record {key.seq}: refused, {found.code}"
        if found.resolved:
            continue
        match _record(world, key):
            case (Verified() | Settled()) as said if found.code == "out-of-place":
                mark = ref_of(said)
                if MarkKey(*mark) in held.claims:
                    raise Broken(f"{told}, and its mark is known by now")
                if mark.gateway != key.gateway and world.lost_with_its_journal(mark):
                    continue  # a backup forgot the mark, and nobody can tell it again
        if not world.may_be_refused(key.gateway):
            raise Broken(told)


def _record(world: "World", key: RecordKey) -> Record | None:
    """What a journal holds there now; none where that journal is gone."""
    for machine in world.machines:
        epoch = machine.epochs.get(key.epoch)
        if machine.name == key.gateway and epoch and key.seq <= len(epoch.disk.entries):
            return decode_record(epoch.disk.entries[key.seq - 1].body)
    return None


def _every_number_is_accounted_for(world: "World") -> None:
    """issued = unused + claimed in some state + lost, each counted and none by subtraction."""
    register = world.centre.register
    held = register.held
    issued: set[tuple[str, int]] = set()
    for block in register.blocks.values():
        numbers = range(block.start, block.end + 1)
        twice = [number for number in numbers if (block.space, number) in issued]
        if twice:
            raise Broken(f"number {twice[0]} of block {block.id} was issued in another block too")
        issued |= {(block.space, number) for number in numbers}
        claimed = {number for number in numbers if (block.space, number) in held.numbers}
        for number in claimed:
            uiis = {held.claims[mark].item[0] for mark in held.numbers[block.space, number]}
            if not held.items_of(sorted(uiis)):
                raise Broken(f"number {number} was claimed, and no item carries it")
        told = IssuedBlock(
            *(block.id, block.space, block.start, block.end, block.order or ""), *block.stream
        )
        lost = [(start, end + 1) for name, start, end in register.losses if name == block.id]
        ended = block.stream[1] < newest(register, block.stream[0])
        void = block.id in world.centre.officers.void
        for number, term in unclaimed(told, claimed, lost, ended=ended, void=void):
            if term is None:
                raise Broken(f"number {number} of block {block.id} is unaccounted for")
    for (space, number), marks in held.numbers.items():
        if (space, number) not in issued and not held.refused.get(RecordKey(*marks[0][:3])):
            raise Broken(f"number {number} of {space} was spent, and no block holds it")
