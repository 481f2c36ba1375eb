"""The law, one record at a time and by the journal's order, never by arrival."""

from collections.abc import Mapping
from dataclasses import replace

from central.ingest import life, order
from central.ingest.facts import (
    Claim,
    Conclusions,
    Known,
    MarkKey,
    PlanKey,
    RecordKey,
    RecordRow,
    Refused,
    Rejudged,
    Sighting,
    SpanSeen,
    Stream,
)
from central.ingest.holdings import Holdings
from central.ingest.life import Item
from central.ingest.naming import named_item, names_elements, other_elements, read_on_parts
from central.ingest.refusal import Refusal
from central.ingest.statements import Statements
from central.said import Several, joined, said
from gateway.contract.plan import Plan, PlanOrder
from gateway.contract.record import (
    Accepted,
    Corrected,
    FromBlock,
    Intent,
    Mark,
    Marked,
    Observed,
    Opened,
    Record,
    Settled,
    Trial,
    Unlatched,
    Verified,
    synchronised_time,
)
from gateway.contract.uii import serial

OK = "ok"
Spent = tuple[str | None, int | None]
"""The space and the number that a mark stands for, where they are known."""
OF_MARKING = (Accepted, Trial, Intent, Marked, Verified, Settled)
"""What a device cannot have done."""


class Court:
    """Hears the new records of one batch in turn and gathers what they change."""

    def __init__(self, stream: Stream, known: Known) -> None:
        self._stream = stream
        self._plans = known.plans
        self._numbers = {key: list(marks) for key, marks in known.numbers.items()}
        self._held = Holdings(stream, known)
        self._statements = Statements(stream, self._held, dict(known.waiting))
        self._plan_key: PlanKey | None = stream.plan
        self._rows: list[RecordRow] = []
        self._claims: list[Claim] = []
        self._refused: list[Refused] = []
        self._spans: list[SpanSeen] = []
        self._sightings: list[Sighting] = []

    def conclusions(self) -> Conclusions:
        """What the records heard so far change."""
        said = self._statements
        return Conclusions(
            plan=self._plan_key,
            records=tuple(self._rows),
            items=self._held.changed,
            claims=tuple(self._claims),
            about=tuple(said.about),
            refused=tuple(self._refused),
            resolved=tuple(of for of in said.resolved if of not in said.refused_now),
            rejudged=tuple(
                Rejudged(of, refusal.code, refusal.detail[:500])
                for of, refusal in said.refused_now.items()
            ),
            waiting=said.waiting,
            judged=tuple(said.judged),
            groups=self._held.changed_groups,
            spans=tuple(self._spans),
            sightings=tuple(self._sightings),
        )

    def unreadable(self, seq: int, fault: str) -> None:
        """Bytes that are no record of this place: kept, and nothing concluded."""
        self._rows.append(RecordRow(seq, "", None, "unreadable"))
        self._refused.append(Refused(seq, "unreadable", fault[:500]))

    def set_aside(self, seq: int, record: Record, fault: str, *, claims: bool) -> None:
        """Keep a record of a batch that cannot be judged. The plan that it accepts is in force, and
        with `claims` the numbers of its marks are claimed, as quarantined."""
        self._rows.append(RecordRow(seq, record.type, record.at, "unjudged"))
        what = said("the batch that holds it cannot be judged: {fault}", fault=fault)
        self._refused.append(Refused(seq, "unjudged", what[:500]))
        if self._stream.is_device:
            return
        if isinstance(record, Accepted):
            key = (record.incarnation, record.version)
            self._plan_key = key if self._plan_key is None else max(self._plan_key, key)
            self._see_spans(record)
        elif claims and isinstance(record, Intent):
            for mark in record.marks:
                key_of_mark = MarkKey(*self._me(seq), mark.position)
                if self._held.held(key_of_mark) is None:
                    self._quarantine(key_of_mark, mark, record.station or "")

    def hear(self, seq: int, record: Record) -> None:
        """Judge one record."""
        verdict = OK
        try:
            self._hear(record)
        except Refusal as refusal:
            verdict = refusal.code
            self._refused.append(Refused(seq, refusal.code, refusal.detail[:500]))
        self._rows.append(RecordRow(seq, record.type, record.at, verdict))

    def _hear(self, record: Record) -> None:
        if self._stream.is_device and isinstance(record, OF_MARKING):
            # Nothing is claimed: no metal can have been marked, and a claim would cast doubt on an
            # item that is somebody's.
            raise Refusal(
                "not-for-devices", said("{type}: a device marks nothing", type=record.type)
            )
        if isinstance(record, Opened):
            if record.seq != 1:
                raise Refusal("out-of-place", said("opened is the first record of an epoch"))
        elif isinstance(record, Accepted):
            self._accepted(record)
        elif isinstance(record, Intent):
            self._intent(record)
        elif isinstance(record, Marked):
            self._statements.marked(record)
        elif isinstance(record, Verified | Settled):
            self._statements.say(record)
        elif isinstance(record, Unlatched):
            self._statements.approved(record)
        elif isinstance(record, Corrected):
            self._corrected(record)
        elif isinstance(record, Observed):
            self._observed(record)

    def _observed(self, record: Observed) -> None:
        """Note items on parts that no record holds: their journal may be lost, or late."""
        if self._stream.is_device:
            return
        for position, found in read_on_parts(record):
            if not self._held.rows(found.uii, found.elements):
                sighting = Sighting(record.seq, position, found.uii, serial(found.elements))
                self._sightings.append(sighting)

    def _accepted(self, record: Accepted) -> None:
        key = (record.incarnation, record.version)
        if self._plan_key is not None and key < self._plan_key:
            before, before_version = self._plan_key
            raise Refusal(
                "out-of-place",
                said(
                    "plan ({incarnation}, {version}) after plan ({before}, {before_version})",
                    incarnation=record.incarnation,
                    version=record.version,
                    before=before,
                    before_version=before_version,
                ),
            )
        self._plan_key = key
        plan = self._plans.get(key)
        if plan is None or plan.epoch != self._stream.epoch:
            self._see_spans(record)
            raise Refusal(
                "unknown-plan",
                said(
                    "the register holds no plan ({incarnation}, {version}) of this epoch",
                    incarnation=record.incarnation,
                    version=record.version,
                ),
            )

    def _see_spans(self, record: Accepted) -> None:
        key = (record.incarnation, record.version)
        self._spans += [
            SpanSeen(span.block, span.space, span.start, span.end, key) for span in record.blocks
        ]

    def _corrected(self, record: Corrected) -> None:
        of = RecordKey(record.of.gateway, record.of.epoch, record.of.seq)
        mine = of.gateway == self._stream.gateway
        if not mine or (of.epoch, of.seq) >= (self._stream.epoch, record.seq):
            raise Refusal(
                "out-of-place", said("a correction names an earlier record of its gateway")
            )
        self._statements.resolved.append(of)
        self._statements.withdrawn(of)

    # --- intents --------------------------------------------------------------------------

    def _intent(self, record: Intent) -> None:
        """Claims every mark, whatever the law says: the metal may be marked."""
        me = self._me(record.seq)
        self._held.announce(me, record)
        plan = self._plan_in_force()
        faults: list[Refusal] = []
        for mark in record.marks:
            key = MarkKey(*me, mark.position)
            if self._held.held(key) is not None:
                faults.append(
                    Refusal(
                        "wrong-content",
                        said("position {position} stands twice", position=mark.position),
                    )
                )
                continue
            fault = self._fault_of(record, mark, plan)
            doubled = self._claim(
                key, mark, plan, record.station or "", quarantined=fault is not None
            )
            fault = fault or doubled
            if fault is not None:
                faults.append(fault)
            self._statements.heard(key)
        if faults:
            raise Refusal(faults[0].code, faults[0].detail if len(faults) == 1 else _all(faults))

    def _plan_in_force(self) -> Plan | None:
        plan = None if self._plan_key is None else self._plans.get(self._plan_key)
        return plan if plan is not None and plan.epoch == self._stream.epoch else None

    def _fault_of(self, record: Intent, mark: Mark, plan: Plan | None) -> Refusal | None:
        try:
            self._check(record, mark, plan)
        except Refusal as refusal:
            return refusal
        return None

    def _check(self, record: Intent, mark: Mark, plan: Plan | None) -> None:
        if plan is None:
            raise Refusal("not-licensed", said("no plan known to the register was accepted before"))
        at = synchronised_time(record.at, record.clock) or record.at
        if at > plan.lease_until:
            raise Refusal(
                "lease-ended",
                said("the lease ended at {until}", until=plan.lease_until.isoformat()),
            )
        given = plan.order(mark.order)
        if given is None:
            raise Refusal(
                "unknown-order",
                said("plan {number} has no order {order}", number=plan.version, order=mark.order),
            )
        if given.state != "released":
            raise Refusal(
                "not-licensed",
                said(
                    "{order} is {standing}: {reason}",
                    order=given.id,
                    standing=given.state,
                    reason=given.reason,
                ),
            )
        if isinstance(mark.source, FromBlock):
            number = order.blocked(mark, plan)
        else:
            number = self._repeats(mark, plan)
        order.check(mark, given, number)
        self._check_turn(mark, given, plan, number)

    def _repeats(self, mark: Mark, plan: Plan) -> int:
        row = self._held.row_of(_repeated(mark))
        _, number = self._spent(mark, plan)
        if number is None:
            raise Refusal("out-of-place", said("the repeated mark is not known"))
        if row is not None and row.order != mark.order:
            raise Refusal(
                "wrong-content", said("the repeated mark is of order {order}", order=row.order)
            )
        return number

    def _check_turn(self, mark: Mark, given: PlanOrder, plan: Plan, number: int) -> None:
        """A number's components are marked in the order's order, by whom the number is known to."""
        named = named_item(mark)
        rows = self._held.rows(named.uii, named.elements)
        names = [component.name for component in given.components]
        earlier = names[: names.index(mark.component)]
        if isinstance(mark.source, FromBlock):
            missing = [name for name in earlier if name not in rows]
            if missing:
                raise Refusal(
                    "out-of-place",
                    said("a number begins with the {component}", component=missing[0]),
                )
            return
        before = rows.get(mark.component)
        if before is not None and not (before.state == "voided" and before.remark):
            return  # a re-mark, or a double: `_doubled` tells them apart
        held = self._held.held(_repeated(mark))
        if (held is not None and not held.fresh) or not earlier:
            raise Refusal(
                "out-of-place", said("a further component repeats the intent of the first")
            )
        due = order.due(mark, plan)
        if due is None or due.number != number:
            self._check_own(mark, rows, earlier, number)

    def _check_own(
        self, mark: Mark, rows: Mapping[str, Item], earlier: list[str], number: int
    ) -> None:
        """Without the plan's word only who marked the component before knows of the number."""
        known = (rows.get(mark.component), rows.get(earlier[-1]))
        if not any(row is not None and self._held.claimed_here(row.key) for row in known):
            what = said(
                "the {component} of {number} was not due here",
                component=mark.component,
                number=number,
            )
            raise Refusal("outside-block", what)
        for name in earlier:
            row = rows.get(name)
            if row is None and self._held.held(_repeated(mark)) is None:
                continue  # A restored register has forgotten it, as it has the number's first mark.
            if row is None:
                what = said(
                    "the {component} of {number} is not marked", component=name, number=number
                )
                raise Refusal("out-of-place", what)
            if self._held.claimed_here(row.key) and not life.ready(row):
                what = said(
                    "the {component} of {number} is {state}",
                    component=name,
                    number=number,
                    state=row.state,
                )
                raise Refusal("out-of-place", what)

    def _claim(
        self, key: MarkKey, mark: Mark, plan: Plan | None, station: str, *, quarantined: bool
    ) -> Refusal | None:
        """Enter the claim; returns a refusal where the number or the item was claimed before."""
        named = named_item(mark)
        rows = self._held.rows(named.uii, named.elements)
        uii = next((row.uii for row in rows.values()), named.uii)
        space, number = self._spent(mark, plan)
        before = rows.get(mark.component)
        doubled = self._doubled(key, mark, named.elements, rows, before)
        given = None if plan is None else plan.order(mark.order)
        mode = order.mode_of(mark, given)
        if before is None:
            item = Item(
                uii=uii,
                component=mark.component,
                elements=_elements(rows, named.elements),
                order=mark.order,
                space=space,
                number=number,
                serial=given.serial(number)
                if given is not None and number is not None
                else str(number if number is not None else named.uii),
                readback=mode,
            )
        elif doubled is None:
            item = life.remarked(before, mode)
        else:
            item = before
        item = replace(
            item,
            quarantined=item.quarantined or quarantined,
            duplicated=item.duplicated or doubled is not None,
        )
        self._enter(key, mark, item, station, (space, number), doubled=doubled is not None)
        return doubled

    def _quarantine(self, key: MarkKey, mark: Mark, station: str) -> None:
        """Claim a mark that nobody has judged, by what stands in the register: this always can be
        written. A number that was claimed before is claimed twice."""
        named = named_item(mark)
        rows = self._held.rows(named.uii, named.elements)
        uii = next((row.uii for row in rows.values()), named.uii)
        elements = _elements(rows, named.elements)
        before = rows.get(mark.component) or self._held.with_elements(elements, mark.component)
        doubled = before is not None and isinstance(mark.source, FromBlock)
        space, number = self._spent(mark, None)
        if before is None:
            serial = str(number if number is not None else named.uii)
            before = Item(
                *(uii, mark.component, elements, mark.order, space, number, serial),
                readback=order.mode_of(mark, None),
            )
        item = replace(before, quarantined=True, duplicated=before.duplicated or doubled)
        self._enter(key, mark, item, station, (space, number), doubled=doubled)

    def _enter(
        self, key: MarkKey, mark: Mark, item: Item, station: str, spent: Spent, *, doubled: bool
    ) -> None:
        """Enter the claim of a mark, and what its item is by it."""
        fresh = isinstance(mark.source, FromBlock)
        self._held.put(item)
        if doubled:
            self._held.flag(item.uii)
        self._held.claim(key, item, fresh=fresh)
        self._claims.append(
            Claim(
                *(key.seq, key.position, item.key, mark.order, *spent, fresh),
                mark.quantity if mark.kind == "package" else None,
                station,
            )
        )

    def _me(self, seq: int) -> RecordKey:
        return RecordKey(self._stream.gateway, self._stream.epoch, seq)

    def _doubled(
        self,
        key: MarkKey,
        mark: Mark,
        elements: str,
        rows: Mapping[str, Item],
        before: Item | None,
    ) -> Refusal | None:
        if any(other_elements(row.elements, elements) for row in rows.values()):
            return Refusal("duplicate", said("another item has the same UII"))
        if before is not None and not self._is_allowed(mark, before):
            what = said(
                "{uii} {component} was claimed before", uii=before.uii, component=before.component
            )
            return Refusal("duplicate", what)
        if isinstance(mark.source, FromBlock):
            spent = self._numbers.setdefault((mark.source.space, mark.source.number), [])
            others = [other for other in spent if other[:3] != key[:3]]
            spent.append(key)
            if others:
                what = said("the number was spent by record {seq}", seq=others[0].seq)
                return Refusal("duplicate", what)
        return None

    def _is_allowed(self, mark: Mark, before: Item) -> bool:
        """One more mark, of the same part: of the mark that was decided on, or of a blank one."""
        if isinstance(mark.source, FromBlock) or not before.remark:
            return False
        held = self._held.held(_repeated(mark))
        if held is None:  # Forgotten in a restore.
            return before.state == "voided" and before.number is not None
        blank = before.state == "voided" and held.fresh and held.item[0] == before.uii
        return held.item == before.key or blank

    def _spent(self, mark: Mark, plan: Plan | None) -> Spent:
        """The number that a mark stands for.

        A restored register may have forgotten the mark that opened it. The number is then that of
        the piece that this stream has marked before, or the one that the plan named.
        """
        if isinstance(mark.source, FromBlock):
            return mark.source.space, mark.source.number
        repeated = _repeated(mark)
        row = self._held.row_of(repeated)
        if row is None and repeated[:2] != (self._stream.gateway, self._stream.epoch):
            row = self._marked_here(mark)
            due = None if plan is None else order.due(mark, plan)
            if row is None and due is not None and due.space is not None:
                return due.space, due.number
        return (None, None) if row is None else (row.space, row.number)

    def _marked_here(self, mark: Mark) -> Item | None:
        """A piece of the same number that this stream has marked."""
        named = named_item(mark)
        rows = self._held.rows(named.uii, named.elements).values()
        mine = (row for row in rows if row.order == mark.order and row.number is not None)
        return next((row for row in mine if self._held.claimed_here(row.key)), None)


def _elements(rows: Mapping[str, Item], named: str) -> str:
    """The first that a content gave: of another item under this UII no row can tell."""
    known = (row.elements for row in rows.values() if names_elements(row.elements))
    return next(known, named)


def _repeated(mark: Mark) -> MarkKey:
    assert not isinstance(mark.source, FromBlock)
    of = mark.source.of
    return MarkKey(of.gateway, of.epoch, of.seq, mark.source.position)


def _all(faults: list[Refusal]) -> Several:
    each = (said("{code}: {fault}", code=one.code, fault=one.detail) for one in faults)
    return joined("; ", each)
