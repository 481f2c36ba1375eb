"""What is due at a gateway of numbers that others have opened: further marks, and reads.

A further component of a number may be marked by one stream only, since a second piece with the
same number could never be told from the first. It is that of
- the stream that tried it and did not start,
- else the stream that marked the component before, if its gateway marks this one too: it knows the
  number from its own journal and needs no word of ours,
- else the one that a plan in play names.
When that stream's epoch ends, its journal may have marked what was never reported: the component
is in doubt, and due to nobody until an officer gives it back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from central.plan.facts import DueMark, Facts, Held, Member, Number, Order, Piece, StreamKey
from gateway.contract.plan import Due
from gateway.contract.record import RecordRef

OPEN_WITHOUT_READ = ("sample", "elsewhere")
"""Modes under which the next component is marked before the one before was read."""


@dataclass(frozen=True)
class Choice:
    """`due`: the whole list. `must`: it is a reason of its own for a new plan."""

    due: tuple[Due, ...]
    must: bool
    again: datetime | None


def choose(facts: Facts, orders: Iterable[Order]) -> Choice:
    """What the next plan says is due, for those of the gateway's `orders` that are in it.

    Nothing is added before the gateway has accepted its newest plan: what a gateway that is away
    would be given, nobody else could do.
    """
    former = facts.former
    mine = former is not None and former.epoch == facts.epoch
    listed = (former.due or ()) if former is not None and mine else ()
    adding = (
        facts.may_issue and former is not None and mine and facts.accepted == former.which.key()
    )
    here = {order.code: order for order in orders}
    marks, reads = _Marks(facts, here), _Reads(facts, here)
    parts = [
        marks.choose([due for due in listed if due.do == "mark"], adding),
        reads.choose([due for due in listed if due.do == "read"], adding),
    ]
    times = [part.again for part in parts if part.again is not None]
    return Choice(
        tuple(due for part in parts for due in part.due),
        any(part.must for part in parts),
        min(times, default=None),
    )


def next_component(order: Order, number: Number) -> str | None:
    """The first component that carries no mark yet; None when all do."""
    for component in order.components:
        piece = number.pieces.get(component.name)
        if piece is None or piece.blank:
            return component.name
    return None


def holder(order: Order, number: Number, component: str) -> StreamKey | None:
    """The stream that may mark the number's next component by its own journal, if any."""
    tried = number.pieces.get(component)
    if tried is not None:
        return tried.by
    names = [c.name for c in order.components]
    before = number.pieces.get(names[names.index(component) - 1])
    if before is None:
        return None
    member = order.member(before.by.gateway)
    return before.by if member is not None and member.marks(component) else None


def in_doubt(order: Order, number: Number, stream: StreamKey, given: Held) -> str | None:
    """The component that a stream which now ends may have marked, unreported.

    `given`: what the plans that it held named; anything, where one of them is forgotten. What
    comes after that component could only be marked after it: who looks for one piece finds out.
    """
    component = next_component(order, number)
    member = order.member(stream.gateway)
    if component is None or component == order.opener or member is None:
        return None
    if not member.marks(component):
        return None
    owner = holder(order, number, component)
    if owner == stream or DueMark(order.code, number.number, component) in given.marks:
        return component
    others = owner is not None and is_newest(order, owner)
    return component if given.blind and not others else None


def is_newest(order: Order, stream: StreamKey) -> bool:
    """Whether the stream's gateway has opened no epoch since."""
    member = order.member(stream.gateway)
    return member is None or stream.epoch >= member.epoch


def _proven(piece: Piece | None, mode: str) -> bool:
    if piece is None or piece.state not in ("marked", "good"):
        return False
    return piece.read_ok or mode in OPEN_WITHOUT_READ


class _Marks:
    """Further marks: each is one stream's alone."""

    def __init__(self, facts: Facts, orders: dict[str, Order]) -> None:
        self._facts = facts
        self._orders = orders
        self._me = StreamKey(facts.gateway, facts.epoch)
        self._numbers = {(n.order, n.number): n for n in facts.numbers if n.order in orders}

    def choose(self, listed: list[Due], adding: bool) -> Choice:
        limits, now = self._facts.limits, self._facts.now
        kept = [due for due in listed if self._stands(due)]
        withdrawn = any(not self._is_done(due) for due in listed if due not in kept)
        names = {_name(due) for due in kept}
        fresh = [number for number in self._fresh() if self._key(number) not in names]
        room = limits.due_marks - len(kept)
        if not adding or not fresh or 2 * len(kept) >= limits.due_marks:
            return Choice(self._sorted(kept), withdrawn, None)
        taken = self._share(fresh)[:room]
        ripe = fresh[0].since + limits.settle
        must = ripe <= now or 2 * len(fresh) >= limits.due_marks
        due = self._sorted([*kept, *(self._due(number) for number in taken)])
        return Choice(due, withdrawn or must, None if must else ripe)

    def _fresh(self) -> list[Number]:
        """Numbers whose next component may be given to this gateway, the oldest first."""
        found = []
        for number in self._numbers.values():
            order = self._orders[number.order]
            if order.state != "released" or not self._may(order, number):
                continue
            key = self._key(number)
            rivals = self._markers(order, key.component)
            if key in self._facts.in_play or any(r.gateway in self._facts.blind for r in rivals):
                continue
            found.append(number)
        return sorted(found, key=_age)

    def _share(self, fresh: list[Number]) -> list[Number]:
        """Of each component of each order, no more than this gateway's part."""
        groups: dict[tuple[str, str], list[Number]] = {}
        for number in fresh:
            groups.setdefault((number.order, self._key(number).component), []).append(number)
        taken = []
        for (code, component), numbers in groups.items():
            sharers = sum(member.live for member in self._markers(self._orders[code], component))
            taken += numbers[: -(-len(numbers) // max(1, sharers))]
        return sorted(taken, key=_age)

    def _markers(self, order: Order, component: str) -> list[Member]:
        return [member for member in order.members if member.marks(component)]

    def _stands(self, due: Due) -> bool:
        """Whether what the former plan listed is still to be done here."""
        number = self._numbers.get((due.order, due.number))
        if number is None:
            return False
        order = self._orders[due.order]
        return next_component(order, number) == due.component and self._may(order, number)

    def _is_done(self, due: Due) -> bool:
        """A component that is marked need not be taken back: the gateway knows its own."""
        number = self._numbers.get((due.order, due.number))
        if number is None:
            return False
        piece = number.pieces.get(due.component)
        return piece is not None and not piece.blank

    def _may(self, order: Order, number: Number) -> bool:
        component = next_component(order, number)
        member = order.member(self._facts.gateway)
        if component is None or component == order.opener or member is None:
            return False
        if not member.marks(component) or component in number.doubtful or number.flagged:
            return False
        names = [c.name for c in order.components]
        before = names[: names.index(component)]
        if not all(_proven(number.pieces.get(name), order.verify.mode) for name in before):
            return False
        owner = holder(order, number, component)
        if owner is None or not is_newest(order, owner):
            return True  # one whose epoch ended, and that was given back
        return owner == self._me and component in number.pieces

    def _key(self, number: Number) -> DueMark:
        component = next_component(self._orders[number.order], number)
        assert component is not None
        return DueMark(number.order, number.number, component)

    def _due(self, number: Number) -> Due:
        gateway, epoch, seq = number.opened
        return Due(
            do="mark",
            order=number.order,
            number=number.number,
            component=self._key(number).component,
            of=RecordRef(gateway=gateway, epoch=epoch, seq=seq),
            position=number.position,
            space=self._orders[number.order].space,
        )

    def _sorted(self, dues: Iterable[Due]) -> tuple[Due, ...]:
        return tuple(sorted(dues, key=lambda due: _age(self._numbers[due.order, due.number])))


class _Reads:
    """Marks of other streams that await a read elsewhere. Reading twice harms nothing."""

    def __init__(self, facts: Facts, orders: dict[str, Order]) -> None:
        self._facts = facts
        self._orders = orders
        self._me = StreamKey(facts.gateway, facts.epoch)

    def choose(self, listed: list[Due], adding: bool) -> Choice:
        limits, now = self._facts.limits, self._facts.now
        waiting = {due: since for since, due in self._waiting()}
        before = set(listed)
        if not adding:
            return Choice(tuple(due for due in waiting if due in before), False, None)
        chosen = list(waiting)
        if len(chosen) > limits.due_reads:
            # Parts that never come would fill the list: room is kept for the newest.
            half = limits.due_reads // 2
            chosen = [*chosen[:half], *chosen[half - limits.due_reads :]]
        fresh = [due for due in chosen if due not in before]
        if not fresh:
            return Choice(tuple(chosen), False, None)
        ripe = min(waiting[due] for due in fresh) + limits.settle
        must = ripe <= now or 2 * len(fresh) >= limits.due_reads
        return Choice(tuple(chosen), must, None if must else ripe)

    def _waiting(self) -> list[tuple[datetime, Due]]:
        found = []
        for number in sorted(self._facts.numbers, key=_age):
            order = self._orders.get(number.order)
            member = None if order is None else order.member(self._facts.gateway)
            if order is None or order.verify.mode != "elsewhere" or not (member and member.reads):
                continue
            for component in order.components:
                piece = number.pieces.get(component.name)
                if piece is None or piece.state != "marked" or piece.read_ok:
                    continue
                if piece.by != self._me:
                    found.append((number.since, _read(number, component.name, piece)))
        return found


def _read(number: Number, component: str, piece: Piece) -> Due:
    return Due(
        do="read",
        order=number.order,
        number=number.number,
        component=component,
        of=RecordRef(gateway=piece.by.gateway, epoch=piece.by.epoch, seq=piece.seq),
        position=piece.position,
    )


def _name(due: Due) -> DueMark:
    return DueMark(due.order, due.number, due.component)


def _age(number: Number) -> tuple[datetime, str, int]:
    return number.since, number.order, number.number
