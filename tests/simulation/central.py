"""The centre: its register in memory, the processes around it, its backups and restores."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from central.errors import IssueGuardUnreadable, RegisterOlder
from central.ingest.facts import Dropped, Evidence, RecordKey, Writes
from central.ingest.intake import insist
from central.keys import plan_keys
from central.plan.compile import compile_plan
from central.plan.facts import Issue
from central.plan.issuing import Issuing
from central.register.numbers.guard import Following, Guard, Kept, beyond
from gateway.contract.batch import decode_batch
from gateway.contract.errors import ContractError
from gateway.contract.plan import CentralKey, encode_plan
from gateway.contract.receipt import decode_receipt
from gateway.contract.salvage import decode_salvage
from gateway.contract.signed import SigningKey
from gateway.contract.topics import ALL_RECORDS_SHARED, ALL_STATES, State, gateway_of, topic
from tests.central.memory import Enrolled, Register
from tests.simulation.chance import Chance
from tests.simulation.disk import MemorySlip
from tests.simulation.loop import SimLoop
from tests.simulation.machine import NOON
from tests.simulation.network import Broker, LineLost, Message, Session
from tests.simulation.officers import Officers, enter_doubts, facts, newest, next_numbers
from tests.simulation.story import Story

PLAN_EVERY_S = 20.0
PLAN_WAIT_S = 1.0
"""How long news are gathered before plans are compiled."""


@dataclass
class Backup:
    """The whole database as it stood at a moment."""

    register: Register
    officers: Officers
    at: float
    number: int


@dataclass
class Said:
    """A receipt that was published, for whoever wants to compare it with the register."""

    gateway: str
    epoch: int
    incarnation: int
    committed: int
    at: float


class Centre:
    """One database, two workers, one plan process, all on one broker."""

    def __init__(self, loop: SimLoop, chance: Chance, story: Story, broker: Broker) -> None:
        self.loop = loop
        self.chance = chance
        self.story = story
        self.broker = broker
        self.receipt_key = SigningKey.from_bytes(chance.bytes(32))
        self.plan_key = SigningKey.from_bytes(chance.bytes(32))
        self.keys = tuple(
            CentralKey(id=key.id, use=use, public=key.public.hex())
            for use, key in (("receipt", self.receipt_key), ("plan", self.plan_key))
        )
        self.register = Register(
            self.receipt_key,
            incarnation=int(NOON.timestamp()) - 86400,
            plan_keys=plan_keys(self.keys),
        )
        self.register.before_judging = self._judge
        self.officers = Officers()
        self.stumbles = 0
        """So many of the next batches meet a fault of the rules."""
        self.stumbling: set[tuple[str, int, int]] = set()
        """Batches that meet one, by gateway, epoch and first record, until it is mended."""
        self.away_until = 0.0
        """The database cannot be reached."""
        self.backups: list[Backup] = []
        self.restores = 0
        self.undeclared = False
        self.judged_older: set[str] = set()
        """Gateways of which a register judged a batch before anything proved it to be older."""
        """A backup was put in the place of the database, and nobody has declared it."""
        self.must_hold = False
        """Since then a gateway has sent a receipt that proves it."""
        self.paper = MemorySlip(name="the guard of the numbers")
        """No restore sets it back."""
        self.guard = Guard(self.paper)
        self.issuing = Issuing(self.guard)
        self.issued: dict[str, int] = {}
        """By number space, what follows the greatest number ever issued: no database, the truth."""
        self.accidents = chance.of("guard")
        self.crash: str | None = None
        """The next moment at which the worker that comes to it ends: before-commit, after-commit,
        after-ack."""
        self.done: list[Done] = []
        """All that changed the database, in order, for the real store to be fed the same."""
        self.on_receipt: Callable[[bytes], None] = lambda _payload: None
        self.on_work: Callable[[str], None] = lambda _what: None
        """Called when a batch was committed or a plan signed."""
        self.on_issue: Callable[[Issue], None] = lambda _issue: None
        self.on_crash: Callable[[str], None] = lambda _moment: None
        self._changed: dict[str, None] = {}
        self._news = asyncio.Event()

    def now(self) -> datetime:
        """True time: the centre's clock is the measure."""
        return NOON + timedelta(seconds=self.loop.now)

    # -- what officers do

    def enrol(self, gateway: str, public: bytes) -> Enrolled:
        former = newest(self.register, gateway)
        enrolled = self.register.enrol(gateway, public)
        self.done.append(("enrol", gateway, public))
        enter_doubts(self.register, self.officers, gateway, former)
        self.story.tell("centre", f"{gateway}: epoch {enrolled.epoch} opened")
        self.touch()
        return enrolled

    def salvage(self, payload: bytes) -> None:
        """As `gjurma-central salvage`: an officer brings what a damaged journal still proved."""
        manifest = decode_salvage(payload).manifest
        before = len(self.register.batches)
        new = self.register.salvage(payload)
        self.done.append(("salvage", payload))
        for batch in self.register.batches[before:]:
            self._date(batch.stream, batch.first, batch.last, self.now())
        self._take_over_blocks(self.now())
        enter_doubts(self.register, self.officers, manifest.gateway, manifest.epoch)
        name = f"{manifest.gateway}, epoch {manifest.epoch}"
        self.story.tell("officer", f"{name}: brings {new} salvaged records")
        self.touch()

    def look_after_guard(self) -> None:
        """As `gjurma-central issue-beyond`, by an officer who knows how far numbers were issued."""
        try:
            self.guard.read()
        except IssueGuardUnreadable:
            if not self.register.restored:
                return  # the plan process makes it anew by itself
            following = beyond(next_numbers(self.register, self.officers), self.issued)
            self.guard.write(Kept(following))
            self.officers.spaces = following
            self.story.tell("officer", f"says how far numbers were issued: {following}")
            self.touch()

    def guarded(self) -> bool:
        """Return whether the guard of the numbers is good."""
        try:
            self.guard.read()
        except IssueGuardUnreadable:
            return False
        return True

    def mislay_guard(self) -> None:
        """Now and then its medium is damaged, which harms only together with a restore."""
        if self.accidents.yes(0.1) and not self.undeclared:
            self.paper.content = (self.paper.content or b"")[:-3]
            self.story.tell("centre", "the guard of the numbers is damaged")

    def touch(self) -> None:
        """Officers have changed something that plans follow from."""
        for gateway in sorted({name for name, _ in self.register.streams}):
            self._changed[gateway] = None
        self._news.set()

    def back_up(self) -> None:
        number = len(self.backups)
        self.backups.append(
            Backup(self.register.copy(), self.officers.copy(), self.loop.now, number)
        )
        self.done.append(("backup", number))
        self.story.tell("centre", "a backup is made")

    def restorable(self) -> list[Backup]:
        """The backups that know every epoch that was opened."""
        epochs = self.register.streams.keys()
        return [backup for backup in self.backups if backup.register.streams.keys() == epochs]

    def restore(self, backup: Backup) -> None:
        """The database is lost; a backup takes its place, and the restore is declared."""
        self.put_back(backup)
        if self.accidents.yes(0.15):
            self.paper.content = None
            self.story.tell("centre", "the guard of the numbers is lost, too")
        self.declare()

    def put_back(self, backup: Backup) -> None:
        """A backup takes the place of the database; nobody declares it yet."""
        self.register, self.officers = backup.register.copy(), backup.officers.copy()
        self.done.append(("restore", backup.number))
        self.restores += 1
        self.undeclared, self.must_hold = True, False
        self.story.tell("centre", f"the backup of {backup.at:.3f} is put back")
        self.touch()

    def declare(self) -> None:
        """As `gjurma-central declare-restore`, where there is one to declare."""
        if not self.undeclared:
            return
        self.register.declare_restore(self.now())
        self.done.append(("declare", self.now()))
        self.undeclared = self.must_hold = False
        self.story.tell("officer", f"declares a restore: {self.register.incarnation}")
        self.touch()

    def look_after_restore(self) -> None:
        """An officer does what the alert says, even where a restore was declared: the database may
        have been put back twice in one second, which both restores are called by."""
        if self.register.older is not None:
            self.undeclared = True
            self.declare()

    # -- the processes

    def tasks(self) -> list["asyncio.Future[None]"]:
        return [
            asyncio.ensure_future(self._keep("ingest-1", self._ingest)),
            asyncio.ensure_future(self._keep("ingest-2", self._ingest)),
            asyncio.ensure_future(self._keep("states", self._states)),
            asyncio.ensure_future(self._keep("plan", self._plan)),
        ]

    async def _keep(self, name: str, work: "Work") -> None:
        """Connect, work, and again after each loss."""
        while True:
            arrived: asyncio.Queue[Arrived | None] = asyncio.Queue()
            try:
                session = await self.broker.connect(
                    name,
                    None,
                    lambda message, number, put=arrived.put_nowait: put(Arrived(message, number)),  # type: ignore[misc]
                    lambda _why, put=arrived.put_nowait: put(None),  # type: ignore[misc]
                    manual_ack=True,
                )
                await work(session, arrived)
            except LineLost:
                pass
            except Crashed as crash:
                self.story.tell(name, f"the process ends {crash}")
                session.drop()
            await asyncio.sleep(self.chance.uniform(0.5, 2))

    async def _database(self) -> None:
        await asyncio.sleep(self.chance.uniform(0.001, 0.02))
        left = self.away_until - self.loop.now
        if left > 0:
            await asyncio.sleep(left)

    def _may_crash(self, moment: str) -> None:
        if self.crash == moment:
            self.crash = None
            self.on_crash(moment)
            raise Crashed(moment)

    async def _ingest(self, session: Session, arrived: "asyncio.Queue[Arrived | None]") -> None:
        session.subscribe(ALL_RECORDS_SHARED)
        while (came := await arrived.get()) is not None:
            await self._database()
            self._may_crash("before-commit")
            gateway = gateway_of(came.message.topic)
            now = self.now()
            answer = self._batch(gateway, came.message.payload, now)
            self._may_crash("after-commit")
            session.ack(came.number)
            self._may_crash("after-ack")
            if answer is not None:
                await self._answer(session, gateway, answer)

    def _batch(self, gateway: str, payload: bytes, now: datetime) -> bytes | None:
        before = len(self.register.batches)

        def work(fault: str) -> tuple[Writes | Dropped | Evidence, str]:
            return self.register.receive(gateway, payload, fault), fault

        try:
            outcome, fault = insist(work, lambda _seconds: None)
        except Stumbled as error:
            self.story.tell("centre", f"{gateway}: {error}, and nothing is kept")
            return None
        if fault:
            self.story.tell("centre", f"{gateway}: kept unjudged: {fault}")
        self.done.append(("records", gateway, payload, now, fault))
        if isinstance(outcome, Evidence):
            self.story.tell("centre", f"{gateway}: evidence, {outcome.reason}: {outcome.detail}")
            if not outcome.answer:
                return None
        elif len(self.register.batches) > before:
            batch = self.register.batches[-1]
            self._date(batch.stream, batch.first, batch.last, now)
            self._take_over_blocks(now)
            if self.undeclared:
                self.judged_older.add(gateway)
            self.story.tell("centre", f"{gateway}: records {batch.first} to {batch.last} committed")
            self.on_work(f"{gateway}: records {batch.first} to {batch.last}")
            self._changed[gateway] = None
            self._news.set()
        header = decode_batch(payload).header
        return self.register.receipt(gateway, header.epoch, header.boot, now)

    def _judge(self, gateway: str, epoch: int, first: int) -> None:
        """Raises `Stumbled` where the rules have a fault that this batch meets."""
        batch = (gateway, epoch, first)
        if self.stumbles:
            self.stumbles -= 1
            self.stumbling.add(batch)
        if batch in self.stumbling:
            raise Stumbled(f"the rules stumble over record {first}")

    def judge_again(self) -> None:
        """An officer who was told of batches that are unjudged has the rules mended, and judges."""
        register = self.register
        if not register.unjudged:
            return
        self.stumbling -= register.unjudged.keys()
        before = dict(register.held.items)
        streams = sorted({(gateway, epoch) for gateway, epoch, _ in register.unjudged})
        register.judge_again()
        self.done.append(("judge-again",))
        self.story.tell("officer", "judges again what was unjudged")
        for key, item in register.held.items.items():
            if before.get(key) != item and item.space is not None and item.number is not None:
                self.officers.since[item.space, item.number] = self.now()
        for gateway, epoch in streams:
            if epoch < newest(register, gateway):
                enter_doubts(register, self.officers, gateway, epoch)
        self.touch()

    def _take_over_blocks(self, now: datetime) -> None:
        """Blocks of plans that a gateway brought count as issued when they came."""
        for block in self.register.blocks.values():
            if block.order is not None:
                self.officers.issued.setdefault(block.id, now)

    def _date(self, stream: tuple[str, int], first: int, last: int, now: datetime) -> None:
        """Note when the numbers that these records speak of were last changed."""
        held = self.register.held
        for seq in range(first, last + 1):
            for key in held.spoken.get(RecordKey(*stream, seq), ()):
                item = held.items[key]
                if item.space is not None and item.number is not None:
                    self.officers.since[item.space, item.number] = now
                order = self.officers.orders[item.order]
                for member in order.members:
                    self._changed[member.gateway] = None

    async def _answer(self, session: Session, gateway: str, receipt: bytes) -> None:
        self.on_receipt(receipt)
        await session.publish(topic(gateway, "receipts"), receipt)

    async def _states(self, session: Session, arrived: "asyncio.Queue[Arrived | None]") -> None:
        session.subscribe(ALL_STATES)
        while (came := await arrived.get()) is not None:
            await self._database()
            gateway = gateway_of(came.message.topic)
            now = self.now()
            self._weigh(gateway, came.message.payload)
            before = self.register.older
            receipt = self.register.state(gateway, came.message.payload, now)
            self.done.append(("state", gateway, came.message.payload, now))
            if self.register.older != before:
                self.story.tell("centre", f"proved older: {self.register.older}")
            session.ack(came.number)
            await self._repeat_if_older(session, gateway)
            self._changed[gateway] = None
            self._news.set()
            if receipt is not None:
                await self._answer(session, gateway, receipt)

    def _weigh(self, gateway: str, payload: bytes) -> None:
        """Note whether the state brings a receipt for more than the database holds."""
        key = self.receipt_key
        if not self.undeclared:
            return
        try:
            told = State.from_line(payload)
            kept = decode_receipt((told.receipt or "").encode(), {key.id: key.public}.get)
        except ContractError:
            return
        stream = self.register.streams.get((gateway, kept.epoch))
        ours = self.register.incarnation, 0 if stream is None else stream.committed
        self.must_hold |= kept.gateway == gateway and (kept.incarnation, kept.committed) > ours

    async def _repeat_if_older(self, session: Session, gateway: str) -> None:
        """A gateway that stands on an older plan did not get the newer one."""
        told, latest = self.register.states.get(gateway), self._latest(gateway)
        if told is None or not told.online or latest is None:
            return
        if (told.plan or (0, 0)) < latest[0]:
            await session.publish(topic(gateway, "plan"), latest[1], retain=True)

    def _latest(self, gateway: str) -> tuple[tuple[int, int], bytes] | None:
        keys = [key for name, key in self.register.plans if name == gateway]
        return (max(keys), self.register.plans[gateway, max(keys)]) if keys else None

    async def _plan(self, session: Session, arrived: "asyncio.Queue[Arrived | None]") -> None:
        await self._database()
        names = sorted({name for name, _ in self.register.streams})
        for gateway in names:
            latest = self._latest(gateway)
            if latest is not None:  # a broker may have forgotten what was retained
                await session.publish(topic(gateway, "plan"), latest[1], retain=True)
        self._changed |= dict.fromkeys(names)
        while session.here:
            await self._database()
            changed, self._changed = sorted(self._changed), {}
            self._news.clear()
            for gateway in changed:
                payload = self.compile(gateway)
                if payload is not None:
                    await session.publish(topic(gateway, "plan"), payload, retain=True)
            await asyncio.sleep(PLAN_WAIT_S)
            if not self._changed:
                try:
                    async with asyncio.timeout(PLAN_EVERY_S):
                        await self._news.wait()
                except TimeoutError:
                    self.touch()

    def compile(self, gateway: str) -> bytes | None:
        """A new plan where the present one no longer says what is so; stored and signed."""
        waited = self.register.restored
        if self.register.older is not None:
            return None
        try:
            following = self.issuing.begin(_Numbers(self), self.officers.spaces)
        except RegisterOlder as error:
            self.register.older = str(error)
            self.done.append(("older", str(error)))
            self.story.tell("centre", f"proved older: {error}")
            return None
        told = facts(self.register, self.officers, gateway, self.keys, self.now(), following)
        if told is None:
            return None
        decision = compile_plan(told)
        issued = {issue.space: issue.start + issue.size for issue in decision.issues}
        if issued:
            self.paper.full = self.accidents.yes(0.03)
            if not self.issuing.secure(beyond(told.spaces, issued)):
                self.story.tell("centre", "the guard of the numbers cannot be written")
                decision = compile_plan(replace(told, may_issue=False))
            elif not waited and self.accidents.yes(0.03):
                raise Crashed("after the guard's write")
            self.paper.full = False
        if decision.again is not None:
            again = (decision.again - self.now()).total_seconds()
            self.loop.call_later(max(0.1, again), self._again, gateway)
        for void in decision.voids:
            self.officers.void |= {void.block}
            self.story.tell("centre", f"block {void.block} is void: {void.cause}")
        if decision.plan is None:
            return None
        for issue in decision.issues:
            self.officers.issued[issue.block] = self.now()
            self.on_issue(issue)
            self.officers.spaces[issue.space] = issue.start + issue.size
            former = self.issued.get(issue.space, 1)
            self.issued[issue.space] = max(former, issue.start + issue.size)
        plan = decision.plan
        self.on_work(f"{gateway}: plan {plan.version}")
        payload = encode_plan(plan, self.plan_key)
        self.register.put_plan(payload)
        self.done.append(("plan", payload))
        self.issuing.confirm(_Numbers(self))
        states = ", ".join(f"{order.id} {order.state}" for order in plan.orders)
        blocks = ", ".join(f"{block.start}-{block.end}" for block in plan.blocks)
        self.story.tell("centre", f"{gateway}: plan {plan.version}: {states}; {blocks}")
        return payload

    def _again(self, gateway: str) -> None:
        self._changed[gateway] = None
        self._news.set()

    def may_issue(self) -> bool:
        """As `central.register.numbers.may_issue`."""
        register = self.register
        if not register.restored:
            return True
        declared = datetime.fromtimestamp(register.incarnation, NOON.tzinfo)
        for (gateway, epoch), stream in register.streams.items():
            if stream.state != "live":
                continue
            told = register.states.get(gateway)
            if told is None or told.epoch != epoch or told.at < declared or not told.online:
                return False
            if told.seq is None or told.seq > stream.committed:
                return False
        register.restored = False
        self.done.append(("may-issue",))
        return True

    def calm(self) -> None:
        self.away_until = self.loop.now
        self.crash = None

    def heard(self, gateway: str, epoch: int, seq: int) -> bool:
        """Whether the register holds that record."""
        stream = self.register.streams.get((gateway, epoch))
        return stream is not None and stream.committed >= seq

    def committed(self, gateway: str) -> int:
        """The register's newest committed record of the gateway's newest epoch."""
        stream = self.register.streams.get((gateway, newest(self.register, gateway)))
        return 0 if stream is None else stream.committed


@dataclass(frozen=True)
class _Numbers:
    """See `central.plan.issuing.Register`."""

    centre: Centre

    def lock(self) -> None:
        """There is one plan process, and nothing else writes while it works."""

    def incarnation(self) -> int:
        return self.centre.register.incarnation

    def awaits_reports(self) -> bool:
        return self.centre.register.restored

    def may_issue(self) -> bool:
        return self.centre.may_issue()

    def following(self, spaces: Collection[str] | None) -> dict[str, int]:
        found = next_numbers(self.centre.register, self.centre.officers)
        return {space: found[space] for space in (found if spaces is None else spaces)}

    def go_on_from(self, said: Following) -> None:
        self.centre.officers.spaces = beyond(self.centre.officers.spaces, said)


Done: TypeAlias = (
    tuple[Literal["records"], str, bytes, datetime, str]
    | tuple[Literal["state"], str, bytes, datetime]
    | tuple[Literal["enrol"], str, bytes]
    | tuple[Literal["plan", "salvage"], bytes]
    | tuple[Literal["backup"], int]
    | tuple[Literal["restore"], int]
    | tuple[Literal["declare"], datetime]
    | tuple[Literal["older"], str]
    | tuple[Literal["may-issue", "judge-again"]]
)
"""What was done to the database: a message with its time (and why it could not be judged), a key
enrolled, a plan, a salvage file, a backup by its number and the restore from it, what proved that
and its declaration, the moment from which numbers are issued again, and the judgement of what was
unjudged."""


class Stumbled(Exception):
    """The rules have a fault."""


class Crashed(Exception):
    """A process of the centre ends."""


@dataclass(frozen=True)
class Arrived:
    message: Message
    number: int


Work = Callable[[Session, "asyncio.Queue[Arrived | None]"], Coroutine[Any, Any, None]]
