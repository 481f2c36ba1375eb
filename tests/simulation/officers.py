"""What the officers wrote, and what a plan is compiled from: the register's facts, without SQL.

`central.plan.store`, `candidates` and `doubts` read the same out of PostgreSQL.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from central.ingest.life import Item
from central.plan.due import in_doubt
from central.plan.facts import (
    Facts,
    Held,
    HeldBlock,
    Limits,
    Member,
    Number,
    Order,
    OrderState,
    Piece,
    StreamKey,
    held_by,
)
from central.register.licences.models import Validity
from gateway.contract.plan import CentralKey, Person, Plan
from tests.central.memory import Block, Register

NumberKey = tuple[str, int]
"""(space, number)."""


@dataclass
class Officers:
    """Orders, licences and people as they stand in the database; a backup holds them too."""

    orders: dict[str, Order] = field(default_factory=dict)
    """Their counts are filled in from the register."""
    spaces: dict[str, int] = field(default_factory=dict)
    people: dict[str, tuple[Person, ...]] = field(default_factory=dict)
    """By gateway."""
    limits: Limits = field(default_factory=lambda: Limits(timedelta(hours=8), 10))
    since: dict[NumberKey, datetime] = field(default_factory=dict)
    """When a record last changed a number."""
    issued: dict[str, datetime] = field(default_factory=dict)
    """When a block was."""
    void: frozenset[str] = frozenset()
    """Blocks that no plan names any more."""
    away: frozenset[str] = frozenset()
    """Orders that the plans do not name for a while; whose they are does not change by that."""
    doubts: dict[tuple[str, int], frozenset[str]] = field(default_factory=dict)
    """By order and number, the components that a lost journal may have marked."""

    def copy(self) -> "Officers":
        return replace(
            self,
            orders=dict(self.orders),
            spaces=dict(self.spaces),
            people=dict(self.people),
            since=dict(self.since),
            issued=dict(self.issued),
            doubts=dict(self.doubts),
        )

    def suspend(self, order: str, state: str) -> None:
        """The licence that an order stands on."""
        found = self.orders[order]
        self.orders[order] = replace(found, licence=replace(found.licence, state=state))

    def hold(self, order: str, *, held: bool) -> None:
        state: OrderState = "paused" if held else "released"
        self.orders[order] = replace(self.orders[order], state=state)

    def end_licence(self, order: str, at: datetime) -> None:
        found = self.orders[order]
        self.orders[order] = replace(found, licence=replace(found.licence, valid_until=at))

    def of(self, gateway: str) -> list[Order]:
        return [order for order in self.orders.values() if order.member(gateway) is not None]

    def named_to(self, gateway: str) -> list[Order]:
        return [order for order in self.of(gateway) if order.code not in self.away]


def licence(now: datetime) -> Validity:
    return Validity("active", now - timedelta(days=1), now + timedelta(days=365))


def facts(
    register: Register,
    officers: Officers,
    gateway: str,
    keys: tuple[CentralKey, ...],
    now: datetime,
    following: dict[str, int] | None,
) -> Facts | None:
    """None for a gateway without a live stream. `following` None: no block may be issued."""
    epoch = newest(register, gateway)
    stream = register.streams.get((gateway, epoch))
    if stream is None or stream.state != "live":
        return None
    plans = _plans(register, gateway)
    mine = officers.named_to(gateway)
    numbers = _numbers(register, officers, mine)
    held = {name: _held(register, name) for name in _others(mine, gateway, register)}
    return Facts(
        gateway=gateway,
        epoch=epoch,
        accepted=stream.plan,
        former=max(plans, key=lambda plan: plan.which.key(), default=None),
        incarnation=register.incarnation,
        may_issue=following is not None,
        orders=tuple(_counted(register, officers, order) for order in mine),
        blocks=tuple(
            HeldBlock(
                *(b.id, b.space, b.start, b.end, b.order),
                claimed=len(_claimed(register, b)),
                issued=officers.issued[b.id],
            )
            for b in register.blocks.values()
            if b.stream == (gateway, epoch) and b.order is not None and b.id not in officers.void
        ),
        spaces=following or {},
        people=officers.people.get(gateway, ()),
        keys=keys,
        limits=officers.limits,
        now=now,
        numbers=numbers,
        in_play=frozenset(mark for found in held.values() for mark in found.marks),
        blind=frozenset(name for name, found in held.items() if found.blind),
    )


def newest(register: Register, gateway: str) -> int:
    """The gateway's newest epoch; 0 before it was ever enrolled."""
    return max((epoch for name, epoch in register.streams if name == gateway), default=0)


def enter_doubts(register: Register, officers: Officers, gateway: str, epoch: int) -> None:
    """The doubts that an ended epoch leaves, if there was one."""
    stream = register.streams.get((gateway, epoch))
    if stream is None:
        return
    orders = {o.code: o for o in officers.of(gateway) if len(o.components) > 1}
    plans = [plan for plan in _plans(register, gateway) if plan.epoch == epoch]
    given = held_by(stream.plan, plans)
    key = StreamKey(gateway, epoch)
    for number in _numbers(register, officers, list(orders.values()), every=True):
        if any(
            piece.state == "scrapped" or (piece.state == "voided" and not piece.remark)
            for piece in number.pieces.values()
        ):
            continue
        component = in_doubt(orders[number.order], number, key, given)
        if component is not None:
            name = (number.order, number.number)
            officers.doubts[name] = officers.doubts.get(name, frozenset()) | {component}


def _plans(register: Register, gateway: str) -> list[Plan]:
    held = register.held
    known = (*held.plans.items(), *held.brought.items())
    return [plan for (name, _), plan in known if name == gateway]


def _others(orders: Iterable[Order], gateway: str, register: Register) -> list[str]:
    names = {
        member.gateway
        for order in orders
        if len(order.components) > 1
        for member in order.members
        if member.gateway != gateway and newest(register, member.gateway)
    }
    return sorted(names)


def _held(register: Register, gateway: str) -> Held:
    epoch = newest(register, gateway)
    accepted = register.streams[gateway, epoch].plan
    return held_by(accepted, [p for p in _plans(register, gateway) if p.epoch == epoch])


def _numbers(
    register: Register, officers: Officers, orders: list[Order], *, every: bool = False
) -> tuple[Number, ...]:
    """What is held of each number of which something may be due. `every`: good ones too."""
    codes = {
        order.code
        for order in orders
        if len(order.components) > 1 or order.verify.mode == "elsewhere"
    }
    if not codes:
        return ()
    held = register.held
    by_number: dict[tuple[str, int], list[tuple[int, Item]]] = {}
    claims = list(held.claims.items())
    for index, (_mark, claim) in enumerate(claims):
        if claim.number is not None and claim.order in codes:
            item = held.items[claim.item]
            by_number.setdefault((claim.order, claim.number), []).append((index, item))
    found = []
    for (code, number), rows in by_number.items():
        order = officers.orders[code]
        if not every and all(item.state == "good" for _, item in rows):
            continue
        fresh = next((index for index, _ in rows if claims[index][1].fresh), rows[0][0])
        opened = claims[fresh][0]
        pieces = {}
        for index, item in rows:
            mark = claims[index][0]
            by = StreamKey(mark.gateway, mark.epoch)
            pieces[item.component] = Piece(
                item.state, item.read_ok, item.remark, by, mark.seq, mark.position
            )
        found.append(
            Number(
                order=code,
                number=number,
                opened=(opened.gateway, opened.epoch, opened.seq),
                position=opened.position,
                pieces=pieces,
                since=officers.since[order.space, number],
                flagged=any(item.quarantined or item.duplicated for _, item in rows),
                doubtful=officers.doubts.get((code, number), frozenset()),
            )
        )
    return tuple(found)


def next_numbers(register: Register, officers: Officers) -> dict[str, int]:
    """Beyond every block, whether this database issued it or was told of it."""
    found = dict(officers.spaces)
    for block in register.blocks.values():
        found[block.space] = max(found.get(block.space, 1), block.end + 1)
    return found


def _claimed(register: Register, block: Block) -> list[int]:
    numbers = register.held.numbers
    return [n for n in range(block.start, block.end + 1) if (block.space, n) in numbers]


def is_ended(item: Item) -> bool:
    """It will never be good: a repeat that did not start is not ended by that."""
    return item.state == "scrapped" or (item.state == "voided" and not item.remark)


def _counted(register: Register, officers: Officers, order: Order) -> Order:
    blocks = [block for block in register.blocks.values() if block.order == order.code]
    names = {block.id for block in blocks}
    numbers: dict[int, list[Item]] = {}
    for item in register.held.items.values():
        if item.order == order.code and item.number is not None:
            numbers.setdefault(item.number, []).append(item)
    good = {n for n, items in numbers.items() if any(item.state == "good" for item in items)}
    ended = {n for n, items in numbers.items() if any(is_ended(item) for item in items)}
    doubtful = {
        number
        for code, number in officers.doubts
        if code == order.code and number not in good and number not in ended
    }
    changed = [officers.since[order.space, number] for number in numbers]
    return replace(
        order,
        members=tuple(_member(register, officers, order, member) for member in order.members),
        issued=sum(block.end - block.start + 1 for block in blocks),
        lost=sum(_still_lost(register, loss) for loss in register.losses if loss[0] in names),
        void=sum(_rest(register, block) for block in blocks if block.id in officers.void),
        doubtful=len(doubtful),
        good=len(good),
        ended=len(ended),
        waiting=len(numbers.keys() - good - ended),
        changed=max(changed, default=None),
    )


def _still_lost(register: Register, loss: tuple[str, int, int]) -> int:
    """But for what was salvaged."""
    name, start, end = loss
    spent, space = register.held.numbers, register.blocks[name].space
    return sum((space, number) not in spent for number in range(start, end + 1))


def _rest(register: Register, block: Block) -> int:
    """The numbers above the highest claimed one, unless the block's journal has ended."""
    gateway, epoch = block.stream
    if epoch < newest(register, gateway):
        return 0
    return block.end - max([block.start - 1, *_claimed(register, block)])


def _member(register: Register, officers: Officers, order: Order, member: Member) -> Member:
    epoch = newest(register, member.gateway)
    stream = register.streams.get((member.gateway, epoch))
    held = sum(
        block.end - block.start + 1 - len(_claimed(register, block))
        for block in register.blocks.values()
        if block.stream == (member.gateway, epoch)
        and block.order == order.code
        and block.id not in officers.void
    )
    live = stream is not None and stream.state == "live"
    return replace(member, epoch=epoch, live=live, held=held)
