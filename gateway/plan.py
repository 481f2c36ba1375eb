"""The accepted plan: what may be marked here, with which numbers, until when."""

from dataclasses import dataclass
from datetime import datetime

from gateway.contract.plan import Person, Plan, PlanOrder
from gateway.contract.record import Span
from gateway.moves import Note


@dataclass(frozen=True)
class Permit:
    """The order may be marked now, with the numbers that the plan gives."""

    plan: Plan
    order: PlanOrder


def newer(plan: Plan, epoch: int, accepted: tuple[int, int]) -> bool:
    """Whether a plan is to be accepted: of this epoch, and later than the one in force."""
    return plan.epoch == epoch and plan.which.key() > accepted


def spans(plan: Plan) -> tuple[Span, ...]:
    """The blocks, as `accepted` records carry them."""
    return tuple(
        Span(block=block.id, space=block.space, start=block.start, end=block.end)
        for block in plan.blocks
    )


def permit(plan: Plan | None, order_id: str | None, now: datetime) -> Permit | Note:
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
    return Permit(plan, order)


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
