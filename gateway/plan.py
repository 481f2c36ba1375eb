"""The accepted plan: what may be marked here, with which numbers, until when."""

from dataclasses import dataclass
from datetime import datetime

from gateway.contract.plan import Block, Component, Person, Plan, PlanOrder
from gateway.contract.record import FromBlock, Mark, Span
from gateway.contract.uii import UiiError
from gateway.ledger import Ledger
from gateway.moves import (
    Note,
)


@dataclass(frozen=True)
class Permit:
    """The order may be marked now, with the next number of this block."""

    order: PlanOrder
    block: Block
    number: int

    def mark(self, component: Component, position: int = 1) -> Mark:
        """What is to be engraved for one component.

        Raises `UiiError` for a template that names no item, or the same for every number; other
        ValueErrors for what no record can hold.
        """
        order = self.order
        if "{serial}" not in order.template.content:
            raise UiiError(
                "the template's content has no {serial}: every part would carry the same"
            )
        return Mark(
            position=position,
            component=component.name,
            order=order.id,
            job=order.job,
            kind=order.kind,
            quantity=order.contents,
            lot=order.lot,
            item=order.item(self.number, component),
            content=order.content(self.number, component),
            text=order.lines(self.number, component),
            source=FromBlock(block=self.block.id, space=self.block.space, number=self.number),
        )


def newer(plan: Plan, epoch: int, accepted: tuple[int, int]) -> bool:
    """Whether a plan is to be accepted: of this epoch, and later than the one in force."""
    return plan.epoch == epoch and plan.which.key() > accepted


def spans(plan: Plan) -> tuple[Span, ...]:
    """The blocks, as `accepted` records carry them."""
    return tuple(
        Span(block=block.id, space=block.space, start=block.start, end=block.end)
        for block in plan.blocks
    )


def permit(plan: Plan | None, order_id: str | None, ledger: Ledger, now: datetime) -> Permit | Note:
    """Whether an order may be marked at `now` (lease time), or the note that says why not."""
    if plan is None:
        return Note("no-plan")
    if now >= plan.lease_until:
        return Note("lease-ended", (("until", plan.lease_until.isoformat()),))
    order = plan.order(order_id) if order_id else None
    if order is None:
        return Note("no-order", (("order", order_id or ""),))
    if order.state != "released":
        return Note(order.reason or f"order-{order.state}", (("order", order.id),))
    for block in plan.blocks:
        if block.order != order.id:
            continue
        number = _next(block, ledger)
        if number <= block.end:
            return Permit(order, block, number)
    return Note("numbers-used-up", (("order", order.id),))


def _next(block: Block, ledger: Ledger) -> int:
    """The block's first number that no intent has spent, under this block's name or another's."""
    number = max(block.start, ledger.used.get(block.id, -1) + 1)
    spent = ledger.spent.get(block.space)
    return number if spent is None else spent.next_free(number)


def left(plan: Plan, order_id: str, ledger: Ledger) -> int:
    """How many numbers the blocks of an order still hold."""
    return sum(
        max(0, block.end - _next(block, ledger) + 1)
        for block in plan.blocks
        if block.order == order_id
    )


def choose(plan: Plan | None, wished: str | None) -> str | None:
    """The order that a station works on: the wished one while the plan has it, else the first."""
    if plan is None:
        return wished
    if wished and plan.order(wished):
        return wished
    candidates = sorted(plan.orders, key=lambda order: order.state != "released")
    return candidates[0].id if candidates else None


def person_by_badge(plan: Plan | None, badge_hash: str, now: datetime) -> Person | None:
    """The person of the plan with that badge hash, if their time has not run out."""
    if plan is None:
        return None
    return next(
        (
            person
            for person in plan.people
            if person.badge == badge_hash and (person.until is None or now < person.until)
        ),
        None,
    )
