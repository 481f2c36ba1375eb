"""A gateway's side of the wire: enrols, reads its plan, signs batches, reads receipts.

It keeps its journal in memory and decides nothing: a test says which records it writes.

    peer = Peer(centre, "gramsh.line-1")
    peer.enroll()
    plan = peer.accept("G-1")                # waits for a plan with that order, and journals it
    seq = peer.intent(1)                     # the n-th number of the order's newest block
    peer.journal.marked(seq)
    peer.journal.verified(seq)
    receipt = peer.deliver()                 # sends all that is new and waits for its receipt
"""

import queue
import secrets
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import httpx

from gateway.contract.batch import BatchHeader, encode_batch, first_head, heads
from gateway.contract.plan import Block, Plan, PlanOrder, decode_plan
from gateway.contract.receipt import Receipt, decode_receipt
from gateway.contract.record import (
    Accepted,
    ClockState,
    FromBlock,
    Intent,
    Mark,
    Marked,
    Opened,
    PositionOutcome,
    Record,
    RecordRef,
    Repeat,
    Settled,
    Span,
    Verified,
    encode_record,
)
from gateway.contract.salvage import Manifest, encode_salvage
from gateway.contract.salvage import Span as Missing
from gateway.contract.signed import SigningKey
from gateway.contract.topics import Boot, PlanVersion, State, topic
from tests.support.link import Link, Receive
from tests.support.wait import wait_for

Did = Literal["done", "not_started", "unknown"]


class Address(Protocol):
    """What a peer needs of a centre."""

    def http(self) -> httpx.Client: ...
    def link(self, gateway: str, receive: Receive) -> Link: ...
    def invite(self, gateway: str, reason: str = "") -> str: ...
    def settle(self) -> None: ...


class Journal:
    """An epoch's records in memory, chained, and the batches they make. No network."""

    def __init__(self, gateway: str, epoch: int, previous: bytes, key: SigningKey) -> None:
        self.gateway = gateway
        self.epoch = epoch
        self.key = key
        self.boot = Boot(1, secrets.token_hex(8))
        self.lines: list[bytes] = []
        self.records: list[Record] = []
        self.heads = [first_head(gateway, epoch, previous)]

    @property
    def seq(self) -> int:
        return len(self.lines)

    def common(self, **more: Any) -> dict[str, Any]:
        """The common fields of the next record."""
        return {
            "seq": self.seq + 1,
            "at": datetime.now(UTC),
            "clock": ClockState(synced=True),
            "station": "station-1",
            "salt": secrets.token_hex(16),
        } | more

    def write(self, record: Record) -> int:
        """Append; returns its seq."""
        self.records.append(record)
        return self.write_bytes(encode_record(record))

    def write_bytes(self, line: bytes) -> int:
        """Append bytes that need not be a record."""
        self.lines.append(line)
        self.heads += heads(self.heads[-1], [line])
        return self.seq

    def restart(self) -> None:
        """The next boot."""
        self.boot = Boot(self.boot.counter + 1, secrets.token_hex(8))

    def batch(
        self, first: int, last: int, *, key: SigningKey | None = None, **header: Any
    ) -> bytes:
        """A signed batch of records `first` to `last`; `header` overrides its fields."""
        fields = {
            "gateway": self.gateway,
            "epoch": self.epoch,
            "boot": str(self.boot),
            "first": first,
            "last": last,
            "prev": self.heads[first - 1].hex(),
            "head": self.heads[last].hex(),
        } | header
        return encode_batch(
            BatchHeader.model_validate(fields), self.lines[first - 1 : last], key or self.key
        )

    def salvage(self, *runs: tuple[int, int], key: SigningKey | None = None) -> bytes:
        """The salvage file of these runs, both ends included, and of what is missing after them."""
        key = key or self.key
        after, missing = runs[0][0] - 1, []
        batches = []
        for first, last in runs:
            if first > after + 1:
                missing.append(Missing(first=after + 1, last=first - 1))
            batches.append(self.batch(first, last, key=key))
            after = last
        if self.seq > after:
            missing.append(Missing(first=after + 1, last=self.seq))
        manifest = Manifest(
            gateway=self.gateway, epoch=self.epoch, after=runs[0][0] - 1, missing=tuple(missing)
        )
        return encode_salvage(manifest, batches, key)

    def ref(self, seq: int) -> RecordRef:
        return RecordRef(gateway=self.gateway, epoch=self.epoch, seq=seq)

    # --- records ----------------------------------------------------------------------------

    def opened(self) -> int:
        return self.write(Opened(**self.common(reason="new")))

    def accept(self, plan: Plan, **more: Any) -> int:
        return self.write(
            Accepted(
                **self.common(
                    incarnation=plan.incarnation,
                    version=plan.version,
                    lease_until=plan.lease_until,
                    blocks=tuple(
                        Span(block=b.id, space=b.space, start=b.start, end=b.end)
                        for b in plan.blocks
                    ),
                )
                | more
            )
        )

    def mark(
        self,
        plan: Plan,
        order: str,
        number: int,
        component: str | None = None,
        /,
        *,
        repeat: int | None = None,
        position: int = 1,
        **more: Any,
    ) -> Mark:
        """What the order gives for a number; `repeat` names the intent whose number this is."""
        found: PlanOrder | None = plan.order(order)
        assert found is not None
        piece = next(
            c for c in found.components if c.name == (component or found.components[0].name)
        )
        block: Block = next(b for b in plan.blocks if b.order == order)
        source: FromBlock | Repeat = FromBlock(block=block.id, space=block.space, number=number)
        if repeat is not None:
            source = Repeat(of=self.ref(repeat))
        fields: dict[str, Any] = {
            "position": position,
            "component": piece.name,
            "order": order,
            "job": found.job,
            "kind": found.kind,
            "quantity": found.contents,
            "lot": found.lot,
            "item": found.item(number, piece),
            "content": found.content(number, piece),
            "text": found.lines(number, piece),
            "source": source,
        }
        return Mark.model_validate(fields | more)

    def intent(self, *marks: Mark, **more: Any) -> int:
        return self.write(
            Intent(**self.common(cycle=secrets.token_hex(4), start="operator", marks=marks) | more)
        )

    def marked(self, intent: int, did: Did = "done", position: int = 1, **more: Any) -> int:
        result = PositionOutcome(position=position, did=did)
        return self.write(Marked(**self.common(intent=intent, results=(result,)) | more))

    def verified(
        self,
        intent: int,
        verdict: str = "good",
        *,
        content: str | None = None,
        of: RecordRef | None = None,
        position: int = 1,
        **more: Any,
    ) -> int:
        """A read of an intent's mark; by default exactly what that intent announced."""
        if content is None and of is None:
            record = next(r for r in self.records if r.seq == intent)
            assert isinstance(record, Intent)
            content = next(m.content for m in record.marks if m.position == position)
        return self.write(
            Verified(
                **self.common(
                    of=of or self.ref(intent),
                    position=position,
                    device="reader-1",
                    content=content if verdict != "unreadable" else None,
                    symbology="]d1",
                    entry="device",
                    verdict=verdict,
                )
                | more
            )
        )

    def settled(self, intent: int, how: str, *witnesses: str, position: int = 1) -> int:
        return self.write(
            Settled(
                **self.common(
                    of=self.ref(intent),
                    position=position,
                    how=how,
                    reason="decided",
                    witnesses=witnesses,
                )
            )
        )


class Peer:
    """One gateway: a journal, and a session with the broker."""

    def __init__(self, centre: Address, gateway: str) -> None:
        self.centre = centre
        self.gateway = gateway
        self.order = ""
        self.plan: Plan | None = None
        self.central_keys: dict[tuple[str, str], bytes] = {}
        self.plans: list[Plan] = []
        self.receipts: queue.Queue[Receipt] = queue.Queue()
        self.committed = 0
        self._journal: Journal | None = None
        self._link: Link | None = None

    @property
    def journal(self) -> Journal:
        assert self._journal is not None, "enroll first"
        return self._journal

    def enroll(self, code: str | None = None, reason: str = "new") -> dict[str, Any]:
        """Open the next epoch, write its first record, and connect."""
        key = SigningKey.new()
        form = {
            "code": code or self.centre.invite(self.gateway),
            "gateway": self.gateway,
            "public": key.public.hex(),
            "reason": reason,
        }
        with self.centre.http() as http:
            response = http.post("/enroll", json=form)
        assert response.status_code == 200, response.text
        told: dict[str, Any] = response.json()
        for central_key in told["keys"]:
            name = (central_key["use"], central_key["id"])
            self.central_keys[name] = bytes.fromhex(central_key["public"])
        previous = bytes.fromhex(told["previous_head"])
        self._journal = Journal(self.gateway, told["epoch"], previous, key)
        self.committed = 0
        self.journal.opened()
        self.connect()
        return told

    def accept(self, order: str | None = None) -> Plan:
        """Wait until the order (default: the last one) may be marked, and journal its plan."""
        self.order = order or self.order
        self.plan = self.wait_plan(self.order)
        self.journal.accept(self.plan)
        return self.plan

    def number(self, index: int) -> int:
        """The `index`-th number (from 1) of the newest block of the order."""
        assert self.plan is not None, "accept first"
        return [b for b in self.plan.blocks if b.order == self.order][-1].start + index - 1

    def intent(self, index: int, component: str | None = None, /, **mark: Any) -> int:
        """Journal an intent of one mark; returns its seq."""
        assert self.plan is not None, "accept first"
        return self.journal.intent(
            self.journal.mark(self.plan, self.order, self.number(index), component, **mark)
        )

    def good(self, index: int) -> int:
        """Journal a part marked and read back; returns the intent's seq."""
        seq = self.intent(index)
        self.journal.marked(seq)
        self.journal.verified(seq)
        return seq

    def serial(self, index: int) -> str:
        """The serial number's text."""
        assert self.plan is not None
        order = self.plan.order(self.order)
        assert order is not None
        return order.serial(self.number(index))

    # --- the link -----------------------------------------------------------------------------

    def connect(self) -> None:
        """Subscribe to receipts and plan."""
        self.disconnect()
        self._link = self.centre.link(self.gateway, self._receive)

    def disconnect(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _receive(self, name: str, payload: bytes) -> None:
        if name.endswith("/plan"):
            plan = decode_plan(payload, lambda name: self.central_keys.get(("plan", name)))
            if plan.epoch == self.journal.epoch:
                self.plans.append(plan)
        else:
            receipt = decode_receipt(payload, lambda name: self.central_keys.get(("receipt", name)))
            self.receipts.put(receipt)

    def publish(self, payload: bytes, leaf: Literal["records", "state"] = "records") -> None:
        """Publish on a topic of our own, and wait until the message has been accepted."""
        self.publish_on(topic(self.gateway, leaf), payload, retain=leaf == "state")

    def publish_on(self, name: str, payload: bytes, *, retain: bool = False) -> None:
        assert self._link is not None
        self._link.publish(name, payload, retain=retain)

    def state(self, plan: Plan | None = None, *, online: bool = True, **more: Any) -> None:
        """Publish the retained state; `more`: its other fields."""
        state = State(
            epoch=self.journal.epoch,
            boot=str(self.journal.boot),
            online=online,
            plan=None
            if plan is None
            else PlanVersion(incarnation=plan.incarnation, version=plan.version),
            seq=self.journal.seq,
            **more,
        )
        self.publish(state.line(), "state")

    # --- waiting ------------------------------------------------------------------------------

    def next_receipt(self, timeout: float = 20.0) -> Receipt:
        """The next receipt for this epoch."""
        while True:
            try:
                receipt = self.receipts.get(timeout=timeout)
            except queue.Empty:
                raise AssertionError(f"no receipt within {timeout} s") from None
            if receipt.epoch == self.journal.epoch:
                return receipt

    def deliver(self, timeout: float = 30.0) -> Receipt:
        """Send what is not committed, in batches of up to 500, again after 3 s of silence."""
        deadline = datetime.now(UTC).timestamp() + timeout
        while True:
            first = self.committed + 1
            last = min(self.journal.seq, first + 499)
            assert first <= last, "nothing to deliver"
            self.publish(self.journal.batch(first, last))
            try:
                receipt = self.next_receipt(3.0)
            except AssertionError:
                if datetime.now(UTC).timestamp() > deadline:
                    raise
                continue
            self.committed = max(self.committed, receipt.committed)
            if self.committed == self.journal.seq or receipt.latch is not None:
                return receipt

    def wait_plan(
        self, order: str | None = None, state: str = "released", *, numbers: bool = True
    ) -> Plan:
        """The newest plan, once it has `order` in `state`, and `numbers` for it if released."""

        def found() -> Plan | None:
            self.centre.settle()
            plan = self.plans[-1] if self.plans else None
            if plan is None or order is None:
                return plan
            known = plan.order(order)
            if known is None or known.state != state:
                return None
            if numbers and state == "released" and not any(b.order == order for b in plan.blocks):
                return None
            return plan

        return wait_for(f"a plan with {order} {state}", found)  # type: ignore[return-value]
