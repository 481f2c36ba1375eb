"""A register in memory that carries out what the rules decide, for tests of the rules alone."""

from dataclasses import dataclass, field, replace

from central.ingest import rules
from central.ingest.facts import (
    Dropped,
    Evidence,
    Key,
    Received,
    RecordKey,
    RecordRow,
    Refused,
    Stream,
    Suffix,
    Writes,
)
from central.reconcile.replay import Replay
from gateway.contract.batch import NO_HEAD, first_head
from gateway.contract.plan import Plan
from gateway.contract.record import Intent
from gateway.contract.signed import SigningKey


@dataclass
class Register:
    """Streams, items and rows, as the real store would hold them."""

    held: Replay = field(default_factory=lambda: Replay(plans={}, orders={}))
    streams: dict[tuple[str, int], Stream] = field(default_factory=dict)
    heads: dict[tuple[str, int], dict[int, bytes]] = field(default_factory=dict)
    rows: dict[tuple[str, int], list[RecordRow]] = field(default_factory=dict)
    refused: dict[tuple[str, int, int], Refused] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)

    def open(self, gateway: str, key: SigningKey, epoch: int = 1) -> None:
        """What enrolment does."""
        head = first_head(gateway, epoch, NO_HEAD)
        self.streams[gateway, epoch] = Stream(
            id=len(self.streams) + 1,
            gateway=gateway,
            epoch=epoch,
            committed=0,
            head=head,
            state="live",
            boot=None,
            plan=None,
            keys=(Key(key.id, key.public, 1, None),),
        )
        self.heads[gateway, epoch] = {0: head}
        self.rows[gateway, epoch] = []

    def issue(self, plan: Plan) -> None:
        """What the plan process does."""
        self.held.plans[plan.gateway, plan.which.key()] = plan
        for order in plan.orders:
            self.held.orders[order.id] = tuple(component.name for component in order.components)

    def receive(self, gateway: str, payload: bytes) -> Writes | Dropped | Evidence:
        """What a worker does with one message."""
        received = rules.examine(gateway, payload)
        if isinstance(received, Evidence):
            self.evidence.append(received)
            return received
        return self._place(received)

    def _place(self, received: Received) -> Writes | Dropped | Evidence:
        header = received.batch.header
        name = (header.gateway, header.epoch)
        stream = self.streams.get(name)
        if stream is None:
            fault = Evidence(header.gateway, "unknown-epoch", "", received.payload, answer=False)
            self.evidence.append(fault)
            return fault
        stored = {seq: self.heads[name][seq] for seq in rules.overlap(stream, received)}
        admitted = rules.admit(stream, received, stored)
        if isinstance(admitted, Evidence):
            self.evidence.append(admitted)
            if admitted.latch is not None:
                self.streams[name] = replace(stream, state=admitted.latch)
        if not isinstance(admitted, Suffix):
            return admitted
        needs = rules.needs(stream, received.records[admitted.start :])
        known = self.held.known(header.gateway, needs)
        writes = rules.judge(stream, received, admitted, known)
        self._carry_out(stream, received, writes)
        return writes

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
        header = received.batch.header
        for seq, head in enumerate(received.chain, start=header.first):
            self.heads[name][seq] = head
        self.rows[name] += writes.records
        for refusal in writes.refused:
            self.refused[(*name, refusal.seq)] = refusal
        for of in writes.resolved:
            self.refused.pop((of.gateway, of.epoch, of.seq), None)
        for record in received.records[writes.first - header.first :]:
            if isinstance(record, Intent):
                self.held.intents[RecordKey(*name, record.seq)] = record
        self.held.take(stream.gateway, stream.epoch, writes.items, writes.claims, writes.about)
