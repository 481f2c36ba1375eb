"""What the officers wrote, and what a plan is compiled from: the register's facts, without SQL."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from central.ingest.life import Item
from central.plan.facts import (
    Facts,
    HeldBlock,
    Licence,
    Limits,
    Member,
    Order,
)
from gateway.contract.plan import CentralKey, Person
from tests.central.memory import Register


@dataclass
class Officers:
    """Orders, licences and people as they stand in the database; a backup holds them too."""

    orders: dict[str, Order] = field(default_factory=dict)
    """Their counts are filled in from the register."""
    spaces: dict[str, int] = field(default_factory=dict)
    people: dict[str, tuple[Person, ...]] = field(default_factory=dict)
    """By gateway."""
    limits: Limits = field(default_factory=lambda: Limits(timedelta(hours=8), 10))

    def copy(self) -> "Officers":
        return replace(
            self, orders=dict(self.orders), spaces=dict(self.spaces), people=dict(self.people)
        )

    def suspend(self, order: str, state: str) -> None:
        """The licence that an order stands on."""
        found = self.orders[order]
        self.orders[order] = replace(found, licence=replace(found.licence, state=state))

    def hold(self, order: str, *, held: bool) -> None:
        self.orders[order] = replace(self.orders[order], held=held)

    def end_licence(self, order: str, at: datetime) -> None:
        found = self.orders[order]
        self.orders[order] = replace(found, licence=replace(found.licence, valid_until=at))


def licence(now: datetime) -> Licence:
    return Licence("active", now - timedelta(days=1), now + timedelta(days=365))


def facts(
    register: Register,
    officers: Officers,
    gateway: str,
    keys: tuple[CentralKey, ...],
    now: datetime,
    *,
    may_issue: bool,
) -> Facts | None:
    """None for a gateway without a live stream."""
    epoch = newest(register, gateway)
    stream = register.streams.get((gateway, epoch))
    if stream is None or stream.state != "live":
        return None
    plans = [plan for (name, _), plan in register.held.plans.items() if name == gateway]
    mine = [
        order
        for order in officers.orders.values()
        if any(member.gateway == gateway for member in order.members)
    ]
    items = _by_order(register)
    return Facts(
        gateway=gateway,
        epoch=epoch,
        accepted=stream.plan,
        former=max(plans, key=lambda plan: plan.which.key(), default=None),
        incarnation=register.incarnation,
        may_issue=may_issue,
        orders=tuple(_counted(register, order, items.get(order.code, [])) for order in mine),
        blocks=tuple(
            HeldBlock(b.id, b.space, b.start, b.end, b.order, len(_claimed(register, b)))
            for b in register.blocks.values()
            if b.stream == (gateway, epoch) and b.order is not None
        ),
        spaces=_next_numbers(register, officers),
        people=officers.people.get(gateway, ()),
        keys=keys,
        limits=officers.limits,
        now=now,
    )


def newest(register: Register, gateway: str) -> int:
    """The gateway's newest epoch; 0 before it was ever enrolled."""
    return max((epoch for name, epoch in register.streams if name == gateway), default=0)


def _next_numbers(register: Register, officers: Officers) -> dict[str, int]:
    """Beyond every block, whether this database issued it or was told of it."""
    found = dict(officers.spaces)
    for block in register.blocks.values():
        found[block.space] = max(found.get(block.space, 1), block.end + 1)
    return found


def _claimed(register: Register, block) -> list[int]:  # type: ignore[no-untyped-def]
    numbers = register.held.numbers
    return [n for n in range(block.start, block.end + 1) if (block.space, n) in numbers]


def _by_order(register: Register) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in register.held.items.values():
        found.setdefault(item.order, []).append(item)
    return found


def _counted(register: Register, order: Order, items: list[Item]) -> Order:
    blocks = [block for block in register.blocks.values() if block.order == order.code]
    names = {block.id for block in blocks}
    numbers: dict[int | None, list[Item]] = {}
    for item in items:
        numbers.setdefault(item.number, []).append(item)
    good = ended = 0
    for parts in numbers.values():
        states = {part.state for part in parts}
        good += "good" in states
        ended += "good" not in states and bool(states & {"voided", "scrapped"})
    members = tuple(_member(register, order, member) for member in order.members)
    return replace(
        order,
        members=members,
        issued=sum(block.end - block.start + 1 for block in blocks),
        lost=sum(end - start + 1 for block, start, end in register.losses if block in names),
        good=good,
        ended=ended,
        waiting=len(numbers) - good - ended,
    )


def _member(register: Register, order: Order, member: Member) -> Member:
    epoch = newest(register, member.gateway)
    stream = register.streams.get((member.gateway, epoch))
    held = sum(
        block.end - block.start + 1 - len(_claimed(register, block))
        for block in register.blocks.values()
        if block.stream == (member.gateway, epoch) and block.order == order.code
    )
    live = stream is not None and stream.state == "live"
    return replace(member, epoch=epoch, live=live, held=held)
