"""Central's register in memory: it carries out what the rules decide, as the real store does.

Bytes in, bytes out, a method a message; no clock and no chance of its own, and no I/O. `tables`
gives its rows in the form in which `tests.central.tables` reads those of PostgreSQL.

    register = Register(receipt_key, incarnation=1790000000)
    enrolled = register.enrol("gramsh.line-1", public)       # the next epoch
    register.put_plan(payload)                               # what the plan process signed
    receipt = register.records("gramsh.line-1", batch, now)  # None: there is nothing to answer
    receipt = register.state("gramsh.line-1", state, now)
    backup = register.copy()
    backup.declare_restore(now)
"""

import copy
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from central.ingest import forks, proof, rules
from central.ingest.facts import (
    Conclusions,
    Dropped,
    Evidence,
    Key,
    PlanKey,
    PlanKeys,
    Received,
    RecordKey,
    RecordRow,
    Stream,
    Suffix,
    Unjudged,
    Writes,
)
from central.ingest.forks import Disputed
from central.ingest.life import ItemKey
from central.ingest.states import Heard, decode, merged
from central.reconcile.replay import Replay
from gateway.contract.batch import NO_HEAD, BatchHeader, first_head
from gateway.contract.plan import Plan
from gateway.contract.receipt import MAX_REFUSED, Receipt, Refusal, encode_receipt
from gateway.contract.record import Record
from gateway.contract.salvage import decode_salvage
from gateway.contract.signed import SigningKey, key_id, take_apart

StreamKey = tuple[str, int]
"""(gateway, epoch)."""


@dataclass(frozen=True)
class Enrolled:
    """What enrolment answers: the epoch that begins, and what its chain begins with."""

    gateway: str
    epoch: int
    previous_head: bytes
    incarnation: int


@dataclass(frozen=True)
class StoredBatch:
    """A batch's row, without the ids that a database gives it."""

    stream: StreamKey
    first: int
    last: int
    head: bytes
    header: bytes
    key_id: str
    sig: bytes
    body: bytes


@dataclass(frozen=True)
class Block:
    """Numbers `start` to `end`, both included, given to one stream by that plan first."""

    id: str
    space: str
    start: int
    end: int
    stream: StreamKey
    order: str | None
    plan: PlanKey


@dataclass
class Register:
    """All that central holds of the hot path, of plans and of numbers."""

    key: SigningKey = field(default_factory=SigningKey.new)
    """Signs receipts."""
    incarnation: int = 1790000000
    plan_keys: PlanKeys = field(default_factory=dict)
    """A plan that a gateway brings counts where one of them has signed it."""
    restored: bool = False
    """A restore was declared, and not every gateway has told yet what was forgotten."""
    older: str | None = None
    """What proves that a restore was not declared."""
    held: Replay = field(default_factory=lambda: Replay(plans={}, orders={}))
    streams: dict[StreamKey, Stream] = field(default_factory=dict)
    previous: dict[StreamKey, bytes] = field(default_factory=dict)
    heads: dict[StreamKey, dict[int, bytes]] = field(default_factory=dict)
    batches: list[StoredBatch] = field(default_factory=list)
    rows: dict[RecordKey, RecordRow] = field(default_factory=dict)
    changed: dict[ItemKey, tuple[str, int, int]] = field(default_factory=dict)
    """(gateway, epoch, first) of the batch that changed an item last."""
    about: set[tuple[ItemKey, RecordKey]] = field(default_factory=set)
    evidence: list[Evidence] = field(default_factory=list)
    plans: dict[tuple[str, PlanKey], bytes] = field(default_factory=dict)
    """As they were signed."""
    brought: dict[tuple[str, PlanKey], bytes] = field(default_factory=dict)
    """Plans that this register had forgotten, and that gateways brought."""
    blocks: dict[str, Block] = field(default_factory=dict)
    losses: list[tuple[str, int, int]] = field(default_factory=list)
    """(block, start, end), both included."""
    disputed: dict[StreamKey, dict[Disputed, None]] = field(default_factory=dict)
    """The marks of two branches of one journal."""
    states: dict[str, Heard] = field(default_factory=dict)
    """What each gateway last said of itself."""
    unjudged: dict[tuple[str, int, int], Unjudged] = field(default_factory=dict)
    """Batches that are kept unjudged, by gateway, epoch and first record."""
    before_judging: Callable[[str, int, int], None] = lambda *_: None
    """Raises where the rules stumble over that batch."""

    # --- what officers and the plan process do ------------------------------------------------

    def enrol(self, gateway: str, public: bytes) -> Enrolled:
        """Open the next epoch. Numbers of the former that no record has claimed are lost."""
        former = max((key for key in self.streams if key[0] == gateway), default=None)
        epoch, previous = 1, NO_HEAD
        if former is not None:
            epoch, previous = former[1] + 1, self.streams[former].head
            if self.streams[former].state == "live":
                self.streams[former] = replace(self.streams[former], state="closed")
            self._lose(former)
        name = (gateway, epoch)
        head = first_head(gateway, epoch, previous)
        self.streams[name] = Stream(
            id=len(self.streams) + 1,
            gateway=gateway,
            epoch=epoch,
            committed=0,
            head=head,
            state="live",
            boot=None,
            plan=None,
            keys=(Key(key_id(public), public, 1, None),),
        )
        self.previous[name] = previous
        self.heads[name] = {0: head}
        return Enrolled(gateway, epoch, previous, self.incarnation)

    def _lose(self, stream: StreamKey, *, never_lost: bool = False) -> None:
        lost = {name for name, _, _ in self.losses} if never_lost else set()
        for block in self.blocks.values():
            if block.stream != stream or block.id in lost:
                continue
            start = block.start
            spent = {number for space, number in self.held.numbers if space == block.space}
            for number in [*sorted(n for n in spent if start <= n <= block.end), block.end + 1]:
                if number > start:
                    self.losses.append((block.id, start, number - 1))
                start = number + 1

    def put_plan(self, payload: bytes) -> Plan:
        """Store a signed plan, and the blocks that it is the first to name."""
        plan = Plan.from_line(take_apart("plan", payload).line)
        self.issue(plan)
        self.plans[plan.gateway, plan.which.key()] = payload
        for block in plan.blocks:
            self.blocks.setdefault(
                block.id,
                Block(
                    *(block.id, block.space, block.start, block.end),
                    *((plan.gateway, plan.epoch), block.order, plan.which.key()),
                ),
            )
        return plan

    def issue(self, plan: Plan) -> None:
        """A plan that is in force, whoever signed it: for tests of the rules alone."""
        self.held.plans[plan.gateway, plan.which.key()] = plan
        for order in plan.orders:
            self.held.orders[order.id] = tuple(component.name for component in order.components)

    def declare_restore(self, now: datetime) -> int:
        """A new incarnation, the present UTC second; returns it."""
        incarnation = int(now.timestamp())
        if incarnation <= self.incarnation:
            raise ValueError(f"incarnation {self.incarnation} is not in the past yet")
        self.incarnation, self.restored, self.older = incarnation, True, None
        return incarnation

    # --- what ingest does -----------------------------------------------------------------------

    def records(self, gateway: str, payload: bytes, now: datetime) -> bytes | None:
        """A message on a gateway's `records` topic; the receipt to publish, if any."""
        outcome = self.receive(gateway, payload)
        if isinstance(outcome, Evidence) and not outcome.answer:
            return None
        received = rules.examine(gateway, payload)
        assert isinstance(received, Received)
        header = received.batch.header
        return self.receipt(gateway, header.epoch, header.boot, now)

    def state(self, gateway: str, payload: bytes, now: datetime) -> bytes | None:
        """A message on a gateway's `state` topic; the receipt to publish, if any."""
        decoded = decode(gateway, payload, now, self.key)
        if decoded is None:
            return None
        heard, receipt = decoded
        if receipt is not None and self.older is None:
            name = (gateway, receipt.epoch)
            stream, heads = self.streams.get(name), self.heads.get(name, {})
            self.older = proof.contradiction(receipt, self.incarnation, stream, heads.get)
        if any(name == gateway for name, _ in self.streams):
            told = merged(self.states.get(gateway), heard)
            if told is not None:
                self.states[gateway] = told
        if not heard.online:
            return None
        return self.receipt(gateway, heard.epoch, str(heard.boot), now)

    def receipt(self, gateway: str, epoch: int, boot: str, now: datetime) -> bytes | None:
        """The cumulative receipt, signed; None for an epoch never opened."""
        stream = self.streams.get((gateway, epoch))
        if stream is None:
            return None
        refused = self.open_refusals(gateway, epoch)
        return encode_receipt(
            Receipt(
                gateway=gateway,
                epoch=epoch,
                boot=boot,
                at=now,
                incarnation=self.incarnation,
                committed=stream.committed,
                head=stream.head.hex(),
                refused=tuple(refused[:MAX_REFUSED]),
                refused_more=max(0, len(refused) - MAX_REFUSED),
                latch=None if stream.state == "live" else stream.state,
            ),
            self.key,
        )

    def open_refusals(self, gateway: str, epoch: int) -> list[Refusal]:
        """Of one stream, by seq."""
        return [
            Refusal(seq=key.seq, code=found.code, detail=found.detail)
            for key, found in sorted(self.held.refused.items())
            if (key.gateway, key.epoch) == (gateway, epoch) and not found.resolved
        ]

    def receive(self, gateway: str, payload: bytes, fault: str = "") -> Writes | Dropped | Evidence:
        """Judge and store one message; what became of it. `fault`: why it cannot be judged."""
        received = rules.examine(gateway, payload)
        if isinstance(received, Evidence):
            self._keep(received)
            return received
        header = received.batch.header
        if self.older is not None:
            return Dropped("older")
        name = (header.gateway, header.epoch)
        stream = self.streams.get(name)
        if stream is None:
            fault = f"no epoch {header.epoch} was opened"
            evidence = Evidence(header.gateway, "unknown-epoch", fault, payload, answer=False)
            self._keep(evidence)
            return evidence
        stored = {seq: self.heads[name][seq] for seq in rules.overlap(stream, received)}
        admitted = rules.admit(stream, received, stored)
        told = self.states.get(gateway)
        if admitted == Dropped("gap") and told is not None and told.epoch == header.epoch:
            self.states[gateway] = replace(told, committed=header.first - 1)
        if isinstance(admitted, Evidence):
            self._keep(admitted)
            if admitted.latch is not None:
                self.streams[name] = replace(stream, state=admitted.latch)
            if forks.proves_two_branches(stream, admitted):
                since = forks.parting(stream, received, self.heads[name].get)
                self._dispute(name, forks.announced(received, since))
        if not isinstance(admitted, Suffix):
            return admitted
        new = received.records[admitted.start :]
        if rules.is_unheard(header, new, self.incarnation):
            return Dropped("unheard")
        unjudged = Unjudged(fault) if fault else None
        if unjudged is None:
            self.before_judging(*name, header.first + admitted.start)
        for forged in self._bring(header, new):
            self._keep(forged)
        needs = rules.needs(stream, new)
        writes = rules.judge(stream, received, admitted, self.held.known(stream, needs), unjudged)
        if unjudged is not None:
            self.unjudged[*name, writes.first] = unjudged
        self._carry_out(stream, received, writes)
        return writes

    def salvage(self, payload: bytes) -> int:
        """As `central.ingest.salvage.take`, of a file that is whole; how many records are new."""
        found = decode_salvage(payload)
        name, new = (found.manifest.gateway, found.manifest.epoch), 0
        for content, batch in found.batches:
            stream, header = self.streams[name], batch.header
            received = rules.examine(name[0], content)
            assert isinstance(received, Received)
            if header.first > stream.committed + 1:
                head = bytes.fromhex(header.prev)
                self.heads[name][header.first - 1] = head
                stream = replace(stream, committed=header.first - 1, head=head)
            if header.last <= stream.committed:
                continue
            suffix = Suffix(stream.committed + 1 - header.first)
            new += header.last - stream.committed
            records = received.records[suffix.start :]
            self._bring(header, records)
            needs = rules.needs(stream, records)
            writes = rules.judge(stream, received, suffix, self.held.known(stream, needs))
            self._carry_out(stream, received, writes)
        self._dispute(name, [])
        self._lose(name, never_lost=True)
        return new

    def judge_again(self) -> None:
        """As `central.reconcile.judging`: what all batches give, once each of them is judged."""
        self.unjudged.clear()
        self.held = Replay(plans=self.held.plans, orders=self.held.orders)
        self.rows, self.changed, self.about = {}, {}, set()
        in_force: dict[StreamKey, PlanKey | None] = {}
        for batch in self.batches:
            stream = replace(self.streams[batch.stream], plan=in_force.get(batch.stream))
            lines = batch.body.split(b"\n")
            records, faults = rules.decode_lines(batch.first, lines)
            self._bring(BatchHeader.from_line(batch.header), records)
            known = self.held.known(stream, rules.needs(stream, records))
            found = rules.hear(stream, known, batch.first, records, faults).conclusions()
            in_force[batch.stream] = found.plan
            self._note(batch.stream, batch.first, found)
            self.held.take(stream, records, found)
        for name in self.streams:
            self._dispute(name, [])

    def _dispute(self, name: StreamKey, marks: list[Disputed]) -> None:
        entered = self.disputed.get(name, {}) | dict.fromkeys(marks)
        if entered:
            since = min(mark.seq for mark in entered)
            claims = (
                (claim, self.held.items[claim.item].serial)
                for mark, claim in self.held.claims.items()
                if mark[:2] == name
            )
            held = forks.held_since(claims, since)
            self.disputed[name] = entered | dict.fromkeys(held)

    def disputed_uiis(self) -> set[str]:
        """What stands on two pieces, or may: the numbers of either branch."""
        return {mark.uii for marks in self.disputed.values() for mark in marks}

    def _bring(self, header: BatchHeader, records: Iterable[Record | None]) -> list[Evidence]:
        plans, forged = rules.brought(header, records, self.plan_keys)
        for plan, payload in ((each.plan, each.payload) for each in self.held.bring(plans)):
            which = plan.which.key()
            self.brought[plan.gateway, which] = payload
            for block in plan.blocks:
                taken = any(
                    each.space == block.space
                    and each.start <= block.end
                    and block.start <= each.end
                    for each in self.blocks.values()
                )
                if not taken and block.id not in self.blocks:
                    self.blocks[block.id] = Block(
                        *(block.id, block.space, block.start, block.end),
                        *((plan.gateway, plan.epoch), block.order, which),
                    )
        return forged

    def _keep(self, evidence: Evidence) -> None:
        same = (evidence.gateway, evidence.reason, hashlib.sha256(evidence.payload).digest())
        if all(
            (e.gateway, e.reason, hashlib.sha256(e.payload).digest()) != same for e in self.evidence
        ):
            self.evidence.append(evidence)

    def _carry_out(self, stream: Stream, received: Received, writes: Writes) -> None:
        name = (stream.gateway, stream.epoch)
        keys = stream.keys
        if writes.next_key is not None:
            keys = (
                *(k if k.to_seq else replace(k, to_seq=writes.last) for k in keys),
                writes.next_key,
            )
        self.streams[name] = replace(
            stream,
            committed=writes.last,
            head=writes.head,
            boot=writes.boot,
            plan=writes.plan,
            keys=keys,
        )
        header, signed = received.batch.header, received.batch.signed
        for seq, head in enumerate(received.chain, start=header.first):
            self.heads[name][seq] = head
        self.batches.append(
            StoredBatch(
                *(name, writes.first, writes.last, writes.head, signed.line),
                *(signed.key_id, signed.signature, writes.body),
            )
        )
        for span in writes.spans:
            self.blocks.setdefault(
                span.block,
                Block(span.block, span.space, span.start, span.end, name, None, span.plan),
            )
        self._note(name, writes.first, writes)
        self.held.take(stream, received.records[writes.first - header.first :], writes)

    def _note(self, name: StreamKey, first: int, found: Conclusions) -> None:
        self.rows |= {RecordKey(*name, row.seq): row for row in found.records}
        self.about |= set(found.about)
        self.changed |= dict.fromkeys(found.items, (*name, first))

    # --- backups --------------------------------------------------------------------------------

    def copy(self) -> "Register":
        """As a backup holds it: neither changes with the other."""
        twin = copy.copy(self)
        for each in fields(self):
            held = getattr(self, each.name)
            if isinstance(held, dict | list | set):
                setattr(twin, each.name, copy.copy(held))
        twin.held = self.held.copy()
        twin.heads = {name: dict(heads) for name, heads in self.heads.items()}
        return twin
