"""What the next cycle of a station marks: which pieces, with which numbers, at which places.

Pure: from the plan and the ledger to the marks of an intent. In this order: what two people allowed
to be marked again; a further piece of a number that is open here; of one that another gateway
opened; a fresh number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from gateway.contract.plan import Block, Component, Due, Plan, PlanOrder
from gateway.contract.record import FromBlock, Mark, Readback, RecordRef, Repeat
from gateway.contract.uii import UiiError, serial
from gateway.ledger import Ledger
from gateway.moves import Note
from gateway.numbering import MarkAt, elsewhere, unfinished
from gateway.plan import Permit
from gateway.standing import StationLedger


@dataclass(frozen=True)
class Post:
    """Where marks are made: a station of a gateway, and the pieces that are marked there."""

    station: str
    gateway: str
    epoch: int
    components: tuple[str, ...] = ()
    """Empty: every component of an order."""

    def marks(self, order: PlanOrder, component: str) -> bool:
        """Whether such a piece is marked here, by the station's settings and by the plan."""
        here = not self.components or component in self.components
        return here and (order.marks is None or component in order.marks)

    def repeat(self, opened: MarkAt) -> Repeat:
        """A mark of this journal, as the source of another mark."""
        seq, position = opened
        return Repeat(
            of=RecordRef(gateway=self.gateway, epoch=self.epoch, seq=seq), position=position
        )


@dataclass(frozen=True)
class Work:
    """What one cycle marks; all marks are of one order, one component and one job."""

    order: PlanOrder
    component: Component
    marks: tuple[Mark, ...]
    again: bool = False
    """A second mark on the same parts, which two people allowed."""

    @property
    def job(self) -> str:
        return self.component.job or self.order.job

    @property
    def positions(self) -> tuple[int, ...]:
        return tuple(mark.position for mark in self.marks)


def next_work(
    permit: Permit, ledger: Ledger, post: Post, quantity: int | None = None
) -> Work | Note:
    """The marks of the station's next intent, or the note that says why there are none.

    `quantity` is how many pieces each package holds, where it is not what the order says. Raises
    `UiiError` for a template that names no item, or the same for every number; other ValueErrors
    for what no record can hold.
    """
    plan, order = permit.plan, permit.order
    if "{serial}" not in order.template.content:
        raise UiiError("the template's content has no {serial}: every part would carry the same")
    own = ledger.station(post.station)
    if own.held is not None:
        mark = own.held.mark
        return Note("first-piece", (("order", mark.order), ("number", serial(mark.item.elements))))
    again = own.again
    if again is not None:
        if again.marks[0].order != order.id:
            # It still lies there, and may look blank: another order's number would go over it.
            return Note("again-first", (("order", again.marks[0].order),))
        return _again(order, again.seq, again.marks, post, own)
    for component in order.components:
        if not post.marks(order, component.name):
            continue
        batch = _Batch(order, component, own)
        waiting = list(islice(_repeats(plan, order, component, ledger, post), batch.size + 1))
        if waiting:
            # With nothing behind it, nobody knows how long its group would wait for more.
            is_last = len(waiting) <= batch.size and not left(plan, order.id, ledger)
            return batch.work(waiting[: batch.size], None, is_last=is_last)
    opener = order.components[0]
    if not post.marks(order, opener.name):
        return Note("nothing-due", (("order", order.id),))
    batch = _Batch(order, opener, own)
    numbers = list(islice(_free(plan, order.id, ledger), batch.size))
    if not numbers:
        return Note("numbers-used-up", (("order", order.id),))
    sources = [
        (number, FromBlock(block=block.id, space=block.space, number=number))
        for block, number in numbers
    ]
    is_last = left(plan, order.id, ledger) == len(numbers)
    return batch.work(sources, quantity, is_last=is_last)


@dataclass(frozen=True)
class _Batch:
    """The marks of one component that one cycle makes: a tray's, or a first piece alone."""

    order: PlanOrder
    component: Component
    own: StationLedger

    @property
    def is_first(self) -> bool:
        """Whether a second person has yet to approve such a piece of this station."""
        asks = self.order.verify.first_piece == "approved-by-second"
        return asks and (self.order.id, self.component.name) not in self.own.approved

    @property
    def size(self) -> int:
        return 1 if self.is_first else self.order.tray or 1

    def work(
        self,
        sources: Sequence[tuple[int, FromBlock | Repeat]],
        quantity: int | None,
        *,
        is_last: bool,
    ) -> Work:
        """One mark a place, from the first place on."""
        marks = tuple(
            _mark(
                self.order,
                self.component,
                number,
                position,
                source,
                quantity,
                _readback(
                    self.order,
                    last=is_last and position == len(sources),
                    first=self.is_first,
                ),
            )
            for position, (number, source) in enumerate(sources, start=1)
        )
        return Work(self.order, self.component, marks)


def _again(
    order: PlanOrder, seq: int, marks: tuple[Mark, ...], post: Post, own: StationLedger
) -> Work | Note:
    component = next((c for c in order.components if c.name == marks[0].component), None)
    if component is None:
        return Note("no-order", (("order", order.id),))
    batch = _Batch(order, component, own)
    return Work(
        order,
        component,
        tuple(
            mark.model_copy(
                update={
                    "source": post.repeat((seq, mark.position)),
                    "readback": _readback(order, last=True, first=batch.is_first),
                    "job": component.job or order.job,
                }
            )
            for mark in marks
        ),
        again=True,
    )


def _repeats(
    plan: Plan, order: PlanOrder, component: Component, ledger: Ledger, post: Post
) -> Iterator[tuple[int, Repeat]]:
    """Numbers that wait for this component, oldest first, with the mark that opened each."""
    reads = order.verify.mode in ("each", "eye")
    names = [each.name for each in order.components]
    for work, wanted in unfinished(ledger.pieces.get(order.id, {}).values(), names, reads=reads):
        if wanted == component.name and work.number is not None:
            source = work.source
            if isinstance(source, tuple):
                source = post.repeat(source)
            yield work.number, source
    for due in plan.due or ():
        if (due.of.gateway, due.of.epoch) == (post.gateway, post.epoch):
            continue  # the ledger knows this journal's own numbers, and sooner than a plan
        source = Repeat(of=due.of, position=due.position)
        if (due.do, due.order, due.component) == ("mark", order.id, component.name) and (
            elsewhere(source, component.name) not in ledger.repeated
        ):
            yield due.number, source


def _mark(
    order: PlanOrder,
    component: Component,
    number: int,
    position: int,
    source: FromBlock | Repeat,
    quantity: int | None,
    readback: Readback,
) -> Mark:
    pieces = len(order.components) if len(order.components) > 1 else None
    if isinstance(source, Repeat):
        source = source.model_copy(update={"number": number})
    return Mark(
        position=position,
        component=component.name,
        order=order.id,
        job=component.job or order.job,
        kind=order.kind,
        quantity=order.contents if quantity is None else quantity,
        lot=order.lot,
        item=order.item(number, component),
        content=order.content(number, component),
        text=order.lines(number, component),
        readback=readback,
        pieces=pieces,
        piece=None if pieces is None else order.components.index(component) + 1,
        source=source,
    )


def _readback(order: PlanOrder, *, last: bool, first: bool) -> Readback:
    """A first piece is read whatever the sample, as the last one is."""
    verify = order.verify
    return Readback(
        mode=verify.mode, every=verify.every, last=last or first, first=True if first else None
    )


def due_reads(plan: Plan | None, ledger: Ledger) -> dict[str, Due]:
    """By content, the marks of other gateways that are to be read back here."""
    if plan is None:
        return {}
    found = {}
    for due in plan.due or ():
        order = plan.order(due.order)
        if order is None or due.do != "read" or (due.of, due.position) in ledger.answered:
            continue
        component = next((c for c in order.components if c.name == due.component), None)
        if component is not None:
            found[order.content(due.number, component)] = due
    return found


def left(plan: Plan, order_id: str, ledger: Ledger) -> int:
    """How many numbers the blocks of an order still hold."""
    return sum(
        max(0, block.end - _next(block, ledger) + 1)
        for block in plan.blocks
        if block.order == order_id
    )


def _free(plan: Plan, order_id: str, ledger: Ledger) -> Iterator[tuple[Block, int]]:
    """The order's numbers that no intent has spent, block after block."""
    for block in plan.blocks:
        if block.order != order_id:
            continue
        spent = ledger.spent.get(block.space)
        number = _next(block, ledger)
        while number <= block.end:
            yield block, number
            number = number + 1 if spent is None else spent.next_free(number + 1)


def _next(block: Block, ledger: Ledger) -> int:
    """The block's first number that no intent has spent, under this block's name or another's."""
    number = max(block.start, ledger.used.get(block.id, -1) + 1)
    spent = ledger.spent.get(block.space)
    return number if spent is None else spent.next_free(number)
