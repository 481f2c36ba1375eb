"""The law, one record at a time and by the journal's order, never by arrival."""

from collections.abc import Callable
from dataclasses import replace

from central.ingest import life
from central.ingest.facts import (
    Claim,
    Conclusions,
    Known,
    MarkKey,
    PlanKey,
    RecordKey,
    RecordRow,
    Refused,
    SpanSeen,
    Stream,
)
from central.ingest.life import Item, ItemKey
from central.ingest.naming import identified, named_item, names_component
from gateway.contract.plan import Plan, PlanOrder
from gateway.contract.record import (
    Accepted,
    Corrected,
    FromBlock,
    Intent,
    Mark,
    Marked,
    Opened,
    Record,
    Settled,
    Verified,
)
from gateway.contract.uii import UiiError

OK = "ok"
TWO_PEOPLE = ("accepted", "remark", "voided")
"""Decisions that need two names (the operator's own is one of them)."""


class Refusal(Exception):
    """A record is kept, and not accepted. `code` is stable and goes into receipts.

    unreadable, not-licensed, lease-ended, outside-block, unknown-order, wrong-content,
    bad-quantity, duplicate, out-of-place, unknown-plan, witnesses-missing.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Court:
    """Hears the new records of one batch in turn and gathers what they change."""

    def __init__(self, stream: Stream, known: Known) -> None:
        self._stream = stream
        self._plans = known.plans
        self._orders = known.orders
        self._marks = dict(known.marks)
        self._numbers = {key: list(marks) for key, marks in known.numbers.items()}
        self._intents = dict(known.intents)
        self._rows: dict[str, dict[str, Item]] = {}
        self._uii_of_elements: dict[str, str] = {}
        for item in known.items.values():
            self._rows.setdefault(item.uii, {})[item.component] = item
            self._uii_of_elements[item.elements] = item.uii
        self.plan_key: PlanKey | None = stream.plan
        self.rows: list[RecordRow] = []
        self.changed: dict[ItemKey, Item] = {}
        self.claims: list[Claim] = []
        self.about: dict[tuple[ItemKey, int], None] = {}
        self.refused: list[Refused] = []
        self.resolved: list[RecordKey] = []
        self.spans: list[SpanSeen] = []

    def conclusions(self) -> Conclusions:
        """What the records heard so far change."""
        return Conclusions(
            plan=self.plan_key,
            records=tuple(self.rows),
            items=self.changed,
            claims=tuple(self.claims),
            about=tuple(self.about),
            refused=tuple(self.refused),
            resolved=tuple(self.resolved),
            spans=tuple(self.spans),
        )

    def unreadable(self, seq: int, fault: str) -> None:
        """Bytes that are no record of this place: kept, and nothing concluded."""
        self.rows.append(RecordRow(seq, "", None, "unreadable"))
        self.refused.append(Refused(seq, "unreadable", fault[:500]))

    def hear(self, seq: int, record: Record) -> None:
        """Judge one record."""
        verdict = OK
        try:
            self._hear(record)
        except Refusal as refusal:
            verdict = refusal.code
            self.refused.append(Refused(seq, refusal.code, refusal.detail[:500]))
        self.rows.append(RecordRow(seq, record.type, record.at, verdict))

    def _hear(self, record: Record) -> None:
        if isinstance(record, Opened):
            if record.seq != 1:
                raise Refusal("out-of-place", "opened is the first record of an epoch")
        elif isinstance(record, Accepted):
            self._accepted(record)
        elif isinstance(record, Intent):
            self._intent(record)
        elif isinstance(record, Marked):
            self._marked(record)
        elif isinstance(record, Verified):
            self._verified(record)
        elif isinstance(record, Settled):
            self._settled(record)
        elif isinstance(record, Corrected):
            self._corrected(record)

    def _accepted(self, record: Accepted) -> None:
        key = (record.incarnation, record.version)
        if self.plan_key is not None and key < self.plan_key:
            raise Refusal("out-of-place", f"plan {key} after plan {self.plan_key}")
        self.plan_key = key
        plan = self._plans.get(key)
        if plan is None or plan.epoch != self._stream.epoch:
            self.spans += [
                SpanSeen(span.block, span.space, span.start, span.end, key)
                for span in record.blocks
            ]
            raise Refusal("unknown-plan", f"the register holds no plan {key} of this epoch")

    # --- intents --------------------------------------------------------------------------

    def _intent(self, record: Intent) -> None:
        """Claims every mark, whatever the law says: the metal may be marked."""
        me = RecordKey(self._stream.gateway, self._stream.epoch, record.seq)
        self._intents[me] = record
        plan = self._plan_in_force()
        faults: list[Refusal] = []
        for mark in record.marks:
            key = MarkKey(*me, mark.position)
            if key in self._marks:
                faults.append(Refusal("wrong-content", f"position {mark.position} stands twice"))
                continue
            fault = self._fault_of(record, mark, plan)
            doubled = self._claim(key, mark, plan, quarantined=fault is not None)
            fault = fault or doubled
            if fault is not None:
                faults.append(fault)
        if faults:
            details = "; ".join(f"{fault.code}: {fault.detail}" for fault in faults)
            raise Refusal(faults[0].code, details if len(faults) > 1 else faults[0].detail)

    def _plan_in_force(self) -> Plan | None:
        plan = None if self.plan_key is None else self._plans.get(self.plan_key)
        return plan if plan is not None and plan.epoch == self._stream.epoch else None

    def _fault_of(self, record: Intent, mark: Mark, plan: Plan | None) -> Refusal | None:
        try:
            self._check(record, mark, plan)
        except Refusal as refusal:
            return refusal
        return None

    def _check(self, record: Intent, mark: Mark, plan: Plan | None) -> None:
        if plan is None:
            raise Refusal("not-licensed", "no plan known to the register was accepted before")
        if record.at > plan.lease_until:
            raise Refusal("lease-ended", f"the lease ended at {plan.lease_until.isoformat()}")
        order = plan.order(mark.order)
        if order is None:
            raise Refusal("unknown-order", f"plan {plan.version} has no order {mark.order}")
        if order.state != "released":
            raise Refusal("not-licensed", f"{order.id} is {order.state}: {order.reason}")
        number = self._number_of(mark, plan)
        _check_quantity(mark, order)
        _check_content(mark, order, number)

    def _number_of(self, mark: Mark, plan: Plan) -> int:
        source = mark.source
        if isinstance(source, FromBlock):
            for block in plan.blocks:
                if (block.id, block.space, block.order) == (source.block, source.space, mark.order):
                    if block.start <= source.number <= block.end:
                        return source.number
                    break
            raise Refusal("outside-block", f"{source.number} is not of a block of {mark.order}")
        row = self._row_of(_repeated(mark))
        if row is None or row.number is None:
            raise Refusal("out-of-place", "the repeated mark is not known")
        if row.order != mark.order:
            raise Refusal("wrong-content", f"the repeated mark is of order {row.order}")
        return row.number

    def _claim(
        self, key: MarkKey, mark: Mark, plan: Plan | None, *, quarantined: bool
    ) -> Refusal | None:
        """Enter the claim; returns a refusal where the number or the item was claimed before."""
        named = named_item(mark)
        uii = named.uii if named.uii in self._rows else self._uii_of_elements.get(named.elements)
        rows = self._rows.get(uii or named.uii, {})
        fresh = isinstance(mark.source, FromBlock)
        space, number = self._spent(mark)
        before = rows.get(mark.component)
        doubled = self._doubled(key, mark, named.elements, rows, before)
        order = None if plan is None else plan.order(mark.order)
        if before is None:
            item = Item(
                uii=uii or named.uii,
                component=mark.component,
                # Another item's elements under this UII: the row can only tell of the first.
                elements=next((r.elements for r in rows.values()), named.elements),
                order=mark.order,
                space=space,
                number=number,
                serial=order.serial(number)
                if order is not None and number is not None
                else str(number if number is not None else named.uii),
                quarantined=quarantined,
                duplicated=doubled is not None,
            )
        elif doubled is None:
            item = life.remarked(before)
        else:
            item = before
        item = replace(
            item,
            quarantined=item.quarantined or quarantined,
            duplicated=item.duplicated or doubled is not None,
        )
        self._put(item)
        if doubled is not None:
            for sibling in list(self._rows[item.uii].values()):
                self._put(replace(sibling, duplicated=True))
        self._mend(item)
        self._marks[key] = item.key
        self.claims.append(Claim(key.seq, key.position, item.key, mark.order, space, number, fresh))
        return doubled

    def _doubled(
        self,
        key: MarkKey,
        mark: Mark,
        elements: str,
        rows: dict[str, Item],
        before: Item | None,
    ) -> Refusal | None:
        if any(row.elements != elements for row in rows.values()):
            return Refusal("duplicate", "another item has the same UII")
        repeat = not isinstance(mark.source, FromBlock)
        if before is not None and not (repeat and before.remark):
            return Refusal("duplicate", f"{before.uii} {before.component} was claimed before")
        if isinstance(mark.source, FromBlock):
            spent = self._numbers.setdefault((mark.source.space, mark.source.number), [])
            others = [other for other in spent if other[:3] != key[:3]]
            spent.append(key)
            if others:
                return Refusal("duplicate", f"the number was spent by record {others[0].seq}")
        return None

    def _spent(self, mark: Mark) -> tuple[str | None, int | None]:
        if isinstance(mark.source, FromBlock):
            return mark.source.space, mark.source.number
        row = self._row_of(_repeated(mark))
        return (None, None) if row is None else (row.space, row.number)

    # --- what became of a mark --------------------------------------------------------------

    def _marked(self, record: Marked) -> None:
        keys = [
            MarkKey(self._stream.gateway, self._stream.epoch, record.intent, result.position)
            for result in record.results
        ]
        self._require(keys)
        for key, result in zip(keys, record.results, strict=True):
            did = result.did
            self._step(key, record.seq, lambda row, did=did: life.marked(row, did))  # type: ignore[misc]

    def _verified(self, record: Verified) -> None:
        key = MarkKey(record.of.gateway, record.of.epoch, record.of.seq, record.position)
        row = self._require([key])
        mark = self._mark_of(key)
        if record.verdict == "good" and not _reads_as(record, mark):
            self.about[row.key, record.seq] = None
            raise Refusal("wrong-content", "called good, and it is not what the mark announced")
        required = self._orders.get(row.order, ())
        sure = len(required) <= 1 or (mark is not None and names_component(mark.content))
        self._step(
            key,
            record.seq,
            lambda item: life.verified(item, record.verdict, record.entry, names_component=sure),
        )

    def _settled(self, record: Settled) -> None:
        key = MarkKey(record.of.gateway, record.of.epoch, record.of.seq, record.position)
        row = self._require([key])
        people = {*record.witnesses, *([record.operator] if record.operator else [])}
        if record.how in TWO_PEOPLE and len(people) < 2:
            self.about[row.key, record.seq] = None
            raise Refusal("witnesses-missing", f"{record.how} needs two names")
        self._step(key, record.seq, lambda item: life.settled(item, record.how))

    def _corrected(self, record: Corrected) -> None:
        of = RecordKey(record.of.gateway, record.of.epoch, record.of.seq)
        mine = of.gateway == self._stream.gateway
        if not mine or (of.epoch, of.seq) >= (self._stream.epoch, record.seq):
            raise Refusal("out-of-place", "a correction names an earlier record of its gateway")
        self.resolved.append(of)

    def _require(self, keys: list[MarkKey]) -> Item:
        for key in keys:
            row = self._row_of(key)
            if row is None:
                raise Refusal("out-of-place", f"no mark is known at {_told(key)}")
        assert row is not None
        return row

    def _step(self, key: MarkKey, seq: int, step: Callable[[Item], Item]) -> None:
        row = self._row_of(key)
        assert row is not None
        self.about[row.key, seq] = None
        after = step(row)
        if after != row:
            self._put(after)
            self._mend(after)

    def _mend(self, item: Item) -> None:
        """Goodness belongs to the number: siblings gain and lose it together."""
        required = self._orders.get(item.order) or (item.component,)
        for row in life.whole(self._rows[item.uii], required):
            self._put(row)

    def _mark_of(self, key: MarkKey) -> Mark | None:
        intent = self._intents.get(RecordKey(key.gateway, key.epoch, key.seq))
        if intent is None:
            return None
        return next((mark for mark in intent.marks if mark.position == key.position), None)

    def _row_of(self, key: MarkKey) -> Item | None:
        found = self._marks.get(key)
        return None if found is None else self._rows[found[0]][found[1]]

    def _put(self, item: Item) -> None:
        rows = self._rows.setdefault(item.uii, {})
        if rows.get(item.component) != item:
            rows[item.component] = item
            self._uii_of_elements[item.elements] = item.uii
            self.changed[item.key] = item


def _repeated(mark: Mark) -> MarkKey:
    assert not isinstance(mark.source, FromBlock)
    of = mark.source.of
    return MarkKey(of.gateway, of.epoch, of.seq, mark.source.position)


def _check_quantity(mark: Mark, order: PlanOrder) -> None:
    if mark.kind != order.kind:
        raise Refusal("bad-quantity", f"{order.id} is for kind {order.kind}")
    if order.kind == "package":
        most = order.contents
        if mark.quantity is None or mark.quantity < 1 or (most and mark.quantity > most):
            raise Refusal("bad-quantity", f"a package of {order.id} holds 1 to {most}")
    elif mark.quantity not in (None, 1):
        raise Refusal("bad-quantity", "a serial number stands for one piece")


def _check_content(mark: Mark, order: PlanOrder, number: int) -> None:
    component = next((c for c in order.components if c.name == mark.component), None)
    if component is None:
        raise Refusal("wrong-content", f"{order.id} has no component {mark.component}")
    if mark.lot != order.lot:
        raise Refusal("wrong-content", f"the lot of {order.id} is {order.lot}")
    if mark.content != order.content(number, component):
        raise Refusal("wrong-content", f"not what {order.id} gives for {number}")
    try:
        item = identified(mark.content)  # which the order gives: it was compared just now
    except UiiError as error:
        raise Refusal("wrong-content", f"names no item: {error}") from error
    if (mark.item.uii, mark.item.elements) != (item.uii, item.elements):
        raise Refusal("wrong-content", f"the item is {item.uii}")


def _reads_as(record: Verified, mark: Mark | None) -> bool:
    """An eye needs no content; whatever content there is has to be the mark's."""
    if mark is None:
        return False
    if record.content is None:
        return record.entry == "eye"
    return record.content == mark.content


def _told(key: MarkKey) -> str:
    return f"{key.gateway} epoch {key.epoch} record {key.seq} position {key.position}"
