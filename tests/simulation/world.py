"""A seed's world: gateways, stations, orders, people and the centre, put together and run."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from gateway.contract.record import Mark
from gateway.contract.salvage import Manifest
from gateway.contract.signed import SigningKey
from gateway.contract.topics import Boot
from gateway.moves import Effect, Phase, Prepare
from gateway.numbering import MarkAt
from gateway.salvage import Place, Remains, rescue
from tests.simulation import faults, invariants
from tests.simulation.aims import LONGEST_S, OF_A_COPY, TRIES, aim_of
from tests.simulation.bench import Bench
from tests.simulation.central import Centre
from tests.simulation.chance import Chance
from tests.simulation.coverage import Coverage
from tests.simulation.decisions import Decision
from tests.simulation.disk import MemorySlots
from tests.simulation.loop import ProcessEnded, SimLoop
from tests.simulation.machine import Epoch, Machine
from tests.simulation.metal import Engraving, MarkRef, Metal, Part
from tests.simulation.network import Broker
from tests.simulation.people import Operator
from tests.simulation.scenery import LEASE, add_machine, build
from tests.simulation.story import Story

FOR_EVER_S = 1e7
"""Longer than any world lasts: what waits for so long comes with the calm."""
CALM_S = 240.0
"""How long a world may take to finish once nothing goes wrong any more."""
ASTRAY_S = (-86_400.0, -60.0, 32_400.0, 63_072_000.0)
"""How far a clock may be off that nobody synchronises: a day back to two years ahead."""
JUST_AFTER_A_RETRY_S = 2.05
FOREIGN = "[)>\x1e06\x1d17VX9Z99\x1d1PX1\x1dSA17\x1e\x04"
"""A mark of another maker."""


class World:
    """Everything. `live` runs it from its beginning to its end, and raises `Broken`."""

    def __init__(self, seed: int, loop: SimLoop) -> None:
        self.seed = seed
        self.loop = loop
        self.chance = Chance(seed)
        self.story = Story(loop.time)
        self.tell = self.story.tell
        self.coverage = Coverage()
        self.metal = Metal()
        self.broker = Broker(loop, self.chance.of("broker"), self.story)
        self.centre = Centre(loop, self.chance.of("centre"), self.story, self.broker)
        self.machines: list[Machine] = []
        self.operators: list[Operator] = []
        self.decisions: list[Decision] = []
        self.bin: list[Part] = []
        """Marked parts that have left their station."""
        self.marked_over: list[Part] = []
        self.doubled: set[str] = set()
        self.breakdowns: list[str] = []
        self.is_calm = False
        self.enrols_again = self.chance.of("registry").yes(0.7)
        """Whether the registry gives a latched gateway a new epoch."""
        self.salvaged: dict[tuple[str, int], dict[int, bool]] = {}
        """By gateway and epoch, the records that were not delivered, and whether each could still
        be proved."""
        self.snapshots: dict[str, list[tuple[Epoch, MemorySlots]]] = {}
        self._tasks: list[asyncio.Future[Any]] = []
        self._undo: list[tuple[asyncio.TimerHandle, Callable[[], object]]] = []
        self._key_number = 0
        self.watch = invariants.Watch(self)
        self.aim = aim_of(seed)
        build(self)
        self._connect()
        self.plan = faults.draw(self.chance.of("faults"), [bench.name for bench in self.benches])
        if self.aim.patient:
            self.plan.until = max(self.plan.until, LONGEST_S)

    # -- who is who

    @property
    def benches(self) -> list[Bench]:
        return [bench for machine in self.machines for bench in machine.benches.values()]

    def operator(self, bench: Bench) -> Operator:
        return next(each for each in self.operators if each.bench is bench)

    def machine_of(self, bench: Bench) -> Machine:
        return self.operator(bench).machine

    # -- time

    def task(self, work: Coroutine[Any, Any, Any]) -> None:
        self._tasks.append(asyncio.ensure_future(work))

    def later(self, seconds: float, undo: Callable[[], object]) -> None:
        """Ends a fault; at the latest when calm comes."""
        entry = (self.loop.call_later(seconds, self._done_later, undo), undo)
        self._undo.append(entry)

    def _done_later(self, undo: Callable[[], object]) -> None:
        self._undo = [entry for entry in self._undo if entry[1] is not undo]
        undo()

    # -- faults

    def _connect(self) -> None:
        for machine in self.machines:
            self.connect(machine)
        self.broker.on_fate = lambda fate, client: self._count_client(f"message-{fate}", client)
        self.centre.on_issue = self.watch.on_issue
        self.centre.on_work = self.watch.on_work
        self.centre.on_crash = lambda moment: self.count(f"worker-{moment}")

    def connect(self, machine: Machine) -> None:
        """Let everything that happens on a machine be seen."""
        machine.on_phase = self._on_phase
        machine.on_effect = self._on_effect
        machine.on_records = self.watch.on_records
        machine.on_end = self._on_end
        machine.on_breakdown = lambda machine, why: self.breakdowns.append(f"{machine.label}/{why}")
        for bench in machine.benches.values():
            self._connect_bench(machine, bench)

    def _connect_bench(self, machine: Machine, bench: Bench) -> None:
        name = bench.config.name
        bench.on_arm = lambda shot: self.watch.on_arm(machine, bench, shot)
        bench.device.wire.on_fate = lambda fate: self.count(f"marker-{fate}", machine, name)
        for eye in bench.eyes:
            eye.wire.on_fate = lambda fate: self.count(f"reader-{fate}", machine, name)

    def _phases(self, machine: Machine | None, station: str | None) -> Iterable[Phase]:
        for each in self.machines if machine is None else (machine,):
            for name, phase in each.phases.items():
                if station in (None, name):
                    yield phase

    def count(self, fault: str, machine: Machine | None = None, station: str | None = None) -> None:
        """A fault has landed."""
        if not self.is_calm:
            self.coverage.met(fault, self._phases(machine, station))
            where = "" if machine is None else f"{machine.label}/{station or '*'}"
            self.tell("fault", f"{fault} {where}".rstrip())

    def _count_client(self, fault: str, client: str) -> None:
        for machine in self.machines:
            if machine.name == client:
                self.count(fault, machine)
                return
        self.count(fault)

    def _on_end(self, machine: Machine, reason: str) -> None:
        if reason.startswith("killed ") and machine.crash is not None:
            kind = {
                ("before", "add"): "crash-before-commit",
                ("after", "add"): "crash-after-commit",
                ("before", "put"): "crash-before-cursor",
                ("after", "put"): "crash-after-cursor",
                ("before", "guard"): "crash-in-guard",
                ("after", "guard"): "crash-after-guard",
            }.get(machine.crash)
            if kind:
                self.count(kind, machine)

    def _on_phase(self, machine: Machine, station: str, phase: Phase) -> None:
        self.tell(f"{machine.label}/{station}", phase.value)
        bench = machine.benches[station]
        self.operator(bench).wake()
        if self.is_calm:
            return
        self._take_aim(machine, bench, phase)
        due = self.plan.take(phase, bench.name)
        if due is not None:
            strike = faults.Strike(
                self, machine, bench, self.chance.of(f"due/{len(self.plan.due)}")
            )
            if due.delay:
                self.loop.call_later(due.delay, self._strike_later, due.name, strike)
            else:
                self._strike(due.name, strike)

    def _take_aim(self, machine: Machine, bench: Bench, phase: Phase) -> None:
        """Bring about what this seed aims at, until it has come about."""
        aim = self.aim
        if self.coverage.counts[aim.cell]:
            return
        if aim.fault in OF_A_COPY and not self.centre.backups and phase is not Phase.DISARMING:
            self.copy_all()
        chance = self.chance.of(f"aim/{aim.tries}/{aim.leads}")
        strike = faults.Strike(self, machine, bench, chance)
        for name in aim.lead(phase):
            self._strike(name, strike)
        if phase is aim.phase and aim.tries < TRIES:
            aim.tries += 1
            aim.stretch(strike)
            if aim.awaits_another:
                self.loop.call_later(JUST_AFTER_A_RETRY_S, self._room_again, machine)
            self._strike(aim.fault, strike)

    def _room_again(self, machine: Machine) -> None:
        """There is room, and other stations begin before a record is tried again."""
        if not self.is_calm:
            machine.epoch.disk.free()
            for bench in machine.benches.values():
                self.operator(bench).wake()

    def _strike_later(self, name: str, strike: faults.Strike) -> None:
        if self.is_calm:
            return
        try:
            self._strike(name, strike)
        except ProcessEnded:
            return

    def _strike(self, name: str, strike: faults.Strike) -> None:
        fault = faults.FAULTS.get(name) or faults.LEADS[name]
        if name not in faults.COUNTED_LATER and name not in faults.LEADS:
            phases = list(self._phases(strike.machine, strike.bench.config.name))
            if fault(strike):
                self.coverage.met(name, phases)
                self.tell("fault", f"{name} at {strike.bench.name}")
        else:
            fault(strike)

    def _on_effect(self, machine: Machine, station: str, moment: str, effect: Effect) -> None:
        if moment == "before" and isinstance(effect, Prepare):
            for eye in machine.benches[station].eyes:
                eye.at_prepare = eye.sessions

    def swap(self, bench: Bench, what: str, chance: Chance) -> bool:
        """Somebody lays another part where one lies; whether there was one to lay."""
        operator = self.operator(bench)
        position = chance.int(1, bench.place.positions)
        here = bench.place.at(position)
        part: Part | None
        if what == "blank":
            part = self.metal.blank(here.kind if here else "receiver")
        elif what == "old" and chance.yes(0.8) and self._exchange(bench, chance):
            return True
        elif what == "old":
            if not operator.taken:
                return False
            part = chance.pick(operator.taken)
            operator.taken.remove(part)
            if part in self.bin:
                self.bin.remove(part)
        elif what == "foreign":
            part = self.metal.blank(here.kind if here else "receiver")
            part.engravings.append(
                Engraving(FOREIGN, True, self.loop.now, "another maker", None, part.kind)
            )
        else:
            part = None
        former = bench.place.lay(position, part)
        if former is not None:
            operator.taken.append(former)
        self.tell(bench.name, f"{former or 'nothing'} is swapped for {part or 'nothing'}")
        return True

    def _exchange(self, bench: Bench, chance: Chance) -> bool:
        """Two parts of a tray lie in each other's places; whether two marked ones lay there."""
        place = bench.place
        marked = [
            at
            for at in range(1, place.positions + 1)
            if (part := place.at(at)) is not None and not part.blank
        ]
        if len(marked) < 2:
            return False
        one, other = chance.some(marked, 2)
        place.lay(other, place.lay(one, place.at(other)))
        self.tell(bench.name, f"what lies at {one} and at {other} is exchanged")
        return True

    # -- what the checks ask

    def is_wanted(self, bench: Bench, part: Part) -> bool:
        """Whether a part still waits to be read at another station than the one that marked it."""
        for engraving in part.engravings:
            if engraving.device == bench.device.name:
                continue
            ref = engraving.mark
            mark = self.watch.marks.get(ref) if ref is not None else None
            if mark is None or mark.readback is None or not engraving.legible:
                continue
            item = self.centre.register.held.items.get((mark.item.uii, mark.component))
            if mark.readback.mode == "elsewhere" and (item is None or item.unread):
                return True
        return False

    def is_open(self, machine: Machine, part: Part) -> bool:
        """Whether a read at that gateway would still tell it something of a part of its own."""
        core = machine.core
        if core is None:
            return False
        ledger = core.logbook.ledger
        for engraving in part.engravings:
            ref = engraving.mark
            mark = self.watch.marks.get(ref) if ref is not None else None
            if ref is None or mark is None or mark.readback is None or not engraving.legible:
                continue
            mine = ref[:2] == (machine.name, core.journal.epoch)
            if mine and mark.readback.mode != "elsewhere":
                return ledger.state_at((ref.seq, ref.position)) in ("marked", "rejected", "unknown")
        return False

    def own_marks(self, machine: Machine) -> list[tuple[MarkAt, Mark]]:
        """What the machine's present journal has announced."""
        here = (machine.name, machine.epoch.disk.epoch)
        marks = self.watch.marks.items()
        return [((ref.seq, ref.position), mark) for ref, mark in marks if ref[:2] == here]

    def guarded(self, machine: Machine) -> tuple[int, int] | None:
        mark = machine.guarded()
        return None if mark is None else (mark.epoch, mark.seq)

    def unseen(self, part: Part, engraving: Engraving) -> str:
        """Why nothing could have seen what was on the part; empty where a look should have."""
        bench = next(each for each in self.benches if each.device.name == engraving.device)
        position = engraving.mark.position if engraving.mark else 1
        if position > len(bench.eyes):
            return "nothing looks here"
        eye = bench.eyes[position - 1]
        if eye.hid:
            return "the reader was blind"
        if bench.place.since(position) > eye.looked_at:
            return "it was laid there after the look"
        return ""

    def excuse(self, machine: Machine, why: str) -> None:
        """Two stories under one number: only a copy, or a journal that fell back, has them."""
        if not any(m.name == machine.name and (m.doubtful or m.lied) for m in self.machines):
            raise invariants.Broken(f"{machine.label}: {why}")

    def excuse_old(self, machine: Machine, why: str) -> None:
        """With journal and guard set back together, a device answers for another shot."""
        if not any(each.name == machine.name and each.doubtful for each in self.machines):
            raise invariants.Broken(f"{machine.label}: {why}")
        self.tell("watch", why)

    def may_latch(self, machine: Machine) -> bool:
        """Whether something has happened for which a latch is the right answer."""
        twins = [each for each in self.machines if each.name == machine.name]
        return len(twins) > 1 or any(
            m.doubtful or m.lied or m.lost_guard or m.damaged for m in twins
        )

    def excused(self, ref: MarkRef | None) -> bool:
        return ref is not None and any(
            machine.name == ref.gateway and machine.doubtful for machine in self.machines
        )

    def false_remark(self, content: str, part: Part) -> None:
        self.tell("watch", f"{content} was marked again, on another part: {part}")
        self.doubled.add(content)

    def decided(self, ref: MarkRef, how: str) -> bool:
        """Whether people said so of that mark, or of another one of the same number and piece."""
        mark = self.watch.marks[ref]
        name = (mark.content, mark.component, how)
        return any((each.content, each.component, each.how) == name for each in self.decisions)

    def lost_with_its_journal(self, ref: MarkRef) -> bool:
        """Whether the journal that announced it is closed, latched or gone; and where it was
        salvaged, whether that record could not be proved."""
        if ref[:2] in self.salvaged:
            return not self.salvaged[ref[:2]].get(ref.seq, True)
        machines = [machine for machine in self.machines if machine.name == ref.gateway]
        return all(
            machine.latches or ref.epoch not in machine.epochs or ref.epoch < max(machine.epochs)
            for machine in machines
        )

    def may_be_refused(self, gateway: str) -> bool:
        """A record of what a gap has swallowed has nothing to speak of. What an earlier release
        marked under a plan that a restored register has forgotten, nothing proves; nor does
        anything before a first receipt prove to a register that it is older."""
        gaps = any(
            name == gateway and not all(proved.values())
            for (name, _), proved in self.salvaged.items()
        )
        forgotten = self.centre.restores > 0 and any(
            machine.name == gateway and machine.earlier_release for machine in self.machines
        )
        older = gateway in self.centre.judged_older
        return gaps or forgotten or older or self.excused(MarkRef(gateway, 0, 0, 0))

    # -- life

    def enrol(self, machine: Machine, why: str) -> None:
        """A new epoch: a code from the registry, typed in at a gateway that is stopped."""
        self._key_number += 1
        key = SigningKey.from_bytes(self.chance.of(f"key/{self._key_number}").bytes(32))
        enrolled = self.centre.enrol(machine.name, key.public)
        machine.install(enrolled.epoch, enrolled.previous_head, key, self.centre.keys, why)
        self.watch.on_records(machine)

    async def live(self) -> None:
        """From the first start to the last check."""
        self._tasks += self.centre.tasks()
        for operator in self.operators:
            self.task(operator.work())
        for machine in self.machines:
            machine.start()
        self.task(self._back_up())
        self.task(self._orders_leave())
        self.task(self._clocks_run_astray())
        self.task(self._registry())
        self.task(self._bytes_flip())
        self.task(self._rules_stumble())
        self.task(self._is_put_back())
        faults.weather(self, self.chance.of("weather"))
        while self.loop.now < self.plan.until and not self.done():
            await self._a_second()
        self.calm()
        end = self.loop.now + CALM_S
        while self.loop.now < end and not self.done():
            await self._a_second()
        self.tell("world", "the end")
        if self.breakdowns:
            raise invariants.Broken(self.breakdowns[0])
        if not self.done():
            raise invariants.Broken(f"not done {CALM_S:g} s after the last fault: {self.lacks()}")
        invariants.at_the_end(self)

    async def _back_up(self) -> None:
        """Somebody copies the centre's database, and the disks of the gateways, now and then."""
        chance = self.chance.of("backups")
        while not self.is_calm:
            await asyncio.sleep(chance.uniform(1, 20))
            self.copy_all(centre=chance.yes(0.5))

    async def _orders_leave(self) -> None:
        """Orders leave every plan for a while, and come back."""
        chance = self.chance.of("orders-leave")
        codes = sorted(self.centre.officers.orders)
        if len(codes) < 2 or not chance.yes(0.5):
            return

        def name(code: str) -> None:
            self.centre.officers.away -= {code}
            self.centre.touch()

        for code in codes:  # a register that is restored may have forgotten it
            self.later(FOR_EVER_S, partial(name, code))
        while not self.is_calm:
            await asyncio.sleep(chance.uniform(1, 8))
            code = chance.pick(codes)
            if self.is_calm:
                return
            self.tell("officer", f"takes {code} from every gateway")
            self.centre.officers.away |= {code}
            self.centre.touch()
            self.later(chance.uniform(1, 6), partial(name, code))

    async def _clocks_run_astray(self) -> None:
        """A computer loses its time server, its clock is far off, and it is corrected later."""
        chance = self.chance.of("clocks")
        if not chance.yes(0.3):
            return
        pause = chance.pick((0.0, 5.0))
        while not self.is_calm:
            await asyncio.sleep(pause)
            if self.is_calm:
                return
            machine, pause = chance.pick(self.machines), chance.uniform(1, 10)
            clock = machine.clock
            clock.offset, clock.synchronised = chance.pick(ASTRAY_S), False
            self.tell(machine.label, f"its clock is off by {clock.offset:+.0f} s, unsynchronised")
            self.later(chance.uniform(1, 15), clock.correct)

    async def _rules_stumble(self) -> None:
        """The rules of ingest have a fault, which some batches meet until it is mended."""
        chance = self.chance.of("stumble")
        if not chance.yes(0.15):
            return
        await asyncio.sleep(chance.uniform(1, 20))
        if not self.is_calm:
            self.centre.stumbles = chance.pick((1, 1, 2, 4))

    def copy_all(self, *, centre: bool = True) -> None:
        if centre:
            self.centre.back_up()
            self.centre.mislay_guard()
        for machine in self.machines:
            if machine.epochs:
                self.snapshots.setdefault(machine.label, []).append(machine.snapshot())

    async def _registry(self) -> None:
        """An officer who looks after gateways that are latched."""
        chance = self.chance.of("registry-office")
        while True:
            await asyncio.sleep(chance.uniform(4, 12))
            self.centre.look_after_guard()
            self.centre.judge_again()
            self.centre.look_after_restore()
            for machine in list(self.machines):
                if not machine.latches or machine.held_down:
                    continue
                if machine.clone:
                    machine.held_down = True
                    machine.stop("found to be a copy, and switched off", None)
                    for bench in machine.benches.values():
                        self.operator(bench).clear_away()
                elif self.enrols_again:
                    machine.stop("to be enrolled again", None)
                    former = max(machine.epochs)
                    self.enrol(machine, f"latched: {', '.join(machine.latches)}")
                    self._salvage(machine, former)
                    machine.start()

    async def _bytes_flip(self) -> None:
        """While a line to the broker is dead, a byte of the journal is flipped, or of several."""
        chance = self.chance.of("flip")
        if not chance.yes(0.15):
            return
        await asyncio.sleep(chance.uniform(3, 20))
        found = [machine for machine in self.machines if machine.core and not machine.clone]
        if self.is_calm or not found:
            return
        machine = chance.pick(found)
        self.broker.deaden(machine.name, 12.0)
        await asyncio.sleep(chance.uniform(3, 12))
        disk = machine.epoch.disk
        if self.is_calm or machine.run is None or machine.latches:
            return
        disk.damaged = set(chance.some(range(1, len(disk.entries) + 1), chance.pick((1, 1, 2))))
        machine.damaged = True
        self.tell(machine.label, f"bytes of records {sorted(disk.damaged)} are flipped")
        machine.stop("power cut")

    async def _is_put_back(self) -> None:
        """A backup takes the place of the register's database, and nobody declares it."""
        chance = self.chance.of("undeclared")
        if not chance.yes(0.25):
            return
        await asyncio.sleep(chance.uniform(8, 30))
        known = [
            backup
            for backup in self.centre.restorable()
            if backup.at < self.loop.now - faults.FORGOTTEN_S
        ]
        if self.is_calm or not known or self.centre.restores or not self.centre.guarded():
            return
        self.later(FOR_EVER_S, self.centre.declare)  # with the calm, if nothing has proved it
        self.centre.put_back(chance.pick(known))

    def _salvage(self, machine: Machine, former: int) -> None:
        """As `gjurma-gateway journal salvage`, where the journal was damaged and nothing else."""
        epoch = machine.epochs[former]
        disk, name = epoch.disk, (machine.name, former)
        if not disk.damaged or machine.lied or machine.doubtful:
            return
        remains = Remains()
        for entry in disk.read():
            remains.add(entry.seq, entry.body, entry.head)
        for (incarnation, version), payload in disk.plans.items():
            remains.add_plan(incarnation, version, payload)
        receipt = Place(int(disk.meta["committed"]), bytes.fromhex(disk.meta["committed_head"]))
        mark = epoch.mark
        known = [] if mark is None or mark.epoch != former else [Place(mark.seq, mark.head)]
        held = min(receipt.seq, self.centre.register.streams[name].committed)
        if held == 0:
            known.append(Place(0, self.centre.register.heads[name][0]))
        asked = Manifest(gateway=machine.name, epoch=former, after=held)
        boot = Boot(int(disk.meta["boot"]), "0" * 16)
        _, content = rescue(asked, remains, [receipt, *known], boot, epoch.identity.key)
        self.centre.salvage(content)
        self.salvaged[name] = {
            seq: any(_leads(disk.damaged, place.seq, seq) for place in (receipt, *known))
            for seq in range(held + 1, len(disk.entries) + 1)
        }

    def clone(self, machine: Machine, *, guard_too: bool) -> Machine:
        """A copy of a machine's disk runs at another line, with a laser of its own."""
        twin = add_machine(self, machine.name, machine.lines, self.chance.of("clone"), clone=True)
        epoch, guard = machine.snapshot()
        twin.epochs = {epoch.disk.epoch: epoch}
        twin.misled = machine.misled
        if guard_too:
            twin.guard, twin.doubtful = guard, True
        self.watch.adopt(twin)
        self.connect(twin)
        self.tell("world", f"a copy of {machine.label} runs at another line")
        twin.start()
        self.task(self.operators[-1].work())
        return twin

    async def _a_second(self) -> None:
        await asyncio.sleep(1)
        for task in self._tasks:
            if task.done():
                task.result()
        self.watch.every_second()
        if self.loop.faults:
            raise self.loop.faults[0]

    def calm(self) -> None:
        """Nothing goes wrong from now on, and whatever is off is put right."""
        self.tell("world", "calm")
        self.is_calm = True
        for handle, undo in self._undo:
            handle.cancel()
            undo()
        self._undo.clear()
        self.broker.calm()
        self.centre.calm()
        self.centre.officers.limits = replace(self.centre.officers.limits, lease=LEASE)
        for order in self.centre.officers.orders:  # a backup may have brought it back
            self.centre.officers.suspend(order, "active")
            self.centre.officers.hold(order, held=False)
        self.centre.touch()
        for bench in self.benches:
            bench.calm()
        for machine in self.machines:
            machine.crash = None
            machine.guard.present, machine.guard.broken = True, False
            machine.epoch.disk.free()
            machine.clock.correct()
            machine.start()
        for operator in self.operators:
            operator.panel.lies, operator.panel.earlier = 0, 0.0
            operator.careless = False
            operator.reads_anew()
            found = [part for part in operator.taken if not part.blank and part not in self.bin]
            self.bin += found

    def done(self) -> bool:
        return not self.lacks()

    def lacks(self) -> str:
        """What is still to come; empty when all is done that can be done."""
        for machine in self.machines:
            if machine.held_down:
                continue
            if machine.latches:
                if self.enrols_again or machine.clone:
                    return f"{machine.label}: not enrolled again"
            elif not self._delivered(machine):
                return f"{machine.label}: not everything is delivered"
        if self.centre.register.unjudged:
            return "batches are unjudged"
        disputed = self.centre.register.disputed_uiis()
        for order in self.centre.officers.orders.values():
            if not self._can_go_on(order.code):
                continue
            held = self.centre.register.held
            numbers: dict[int, set[str]] = {}
            for item in held.items.values():
                if item.order == order.code and item.number is not None:
                    state = "blank" if item.state == "voided" and item.remark else item.state
                    numbers.setdefault(item.number, set()).add(state)
                    if item.quarantined or item.duplicated or item.uii in disputed:
                        numbers[item.number].add("flagged")
            good = sum("good" in states for states in numbers.values())
            # What waits for people's word, or for an officer's, is not replaced by another number,
            # nor is what stands open in a journal that has ended; what is scrapped or voided is.
            ended = {
                claim.number
                for mark, claim in held.claims.items()
                if self.ended((mark.gateway, mark.epoch))
            }
            waiting = sum(
                bool(states & {"unknown", "rejected", "flagged"} or number in ended)
                for number, states in numbers.items()
                if not states & {"good", "scrapped", "voided"}
            )
            if good + waiting < order.quantity:
                why = [operator.why_not for operator in self.operators]
                rest = [
                    f"{item.serial} {item.component} {item.state}"
                    for item in held.items.values()
                    if item.order == order.code and item.state != "good"
                ]
                return f"{order.code}: {good} of {order.quantity} are good; {rest}; {why}"
        return ""

    def ended(self, stream: tuple[str, int]) -> bool:
        """Whether nothing more will be heard of that epoch."""
        return self.centre.register.streams[stream].state != "live" or all(
            machine.latches for machine in self.machines if machine.name == stream[0]
        )

    def _can_go_on(self, order: str) -> bool:
        members = self.centre.officers.orders[order].members
        return all(
            not machine.latches
            for machine in self.machines
            if any(member.gateway == machine.name for member in members) and not machine.clone
        )

    def _delivered(self, machine: Machine) -> bool:
        core = machine.core
        if core is None or not core.permission.answered:
            return False
        end = core.journal.end
        # A register that was restored may not have told it yet what it forgot.
        return core.journal.cursor().committed == end == self.centre.committed(machine.name)


def _leads(damaged: set[int], known: int, seq: int) -> bool:
    """Return whether the chain leads from the head after record `known` to record `seq`."""
    between = range(seq, known + 1) if seq <= known else range(known + 1, seq + 1)
    return not damaged.intersection(between)
