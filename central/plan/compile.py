"""What one gateway may mark now: its orders, blocks of numbers, people, lease. Pure.

The same facts give the same plan. `central.plan.store` reads the facts from the register and
carries the decision out.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

from central.plan.due import choose
from central.plan.facts import Decision, Facts, HeldBlock, Issue, Limits, Member, Order, Void
from central.plan.shares import quota
from central.register.numbers.models import block_id
from gateway.contract.plan import Block, Person, Plan, PlanOrder

TellState = Literal["released", "held", "finished", "suspended"]


def compile_plan(facts: Facts) -> Decision:
    """A new plan where the present one no longer says what is so, and the numbers it needs."""
    orders = [order for order in facts.orders if not _is_past(order, facts)]
    told = tuple(_told(order, facts) for order in orders)
    voids = _voids(facts)
    gone = {void.block for void in voids}
    blocks = [block for block in facts.blocks if block.id not in gone]
    issues = _issues(facts, orders, told, blocks)
    choice = choose(facts, orders)
    former = facts.former
    plan = Plan(
        gateway=facts.gateway,
        epoch=facts.epoch,
        incarnation=facts.incarnation,
        version=former.version + 1 if former and former.incarnation == facts.incarnation else 1,
        lease_until=_lease(orders, told, facts),
        orders=told,
        blocks=_blocks(blocks, {order.code for order in orders}, issues),
        due=choice.due or None,
        people=_people(facts),
        keys=facts.keys,
    )
    turns = [*_turns(orders, facts.now), *_approvals_end(orders, told, facts)]
    if former is not None and not choice.must and not _differs(former, plan, facts):
        again = min(filter(None, [choice.again, *turns]), default=None)
        return Decision(None, voids=voids, again=again)
    return Decision(plan, issues, voids, again=min(turns, default=None))


def _turns(orders: list[Order], now: datetime) -> list[datetime]:
    """When licences begin, end or come back, and exclusions begin or end: no act tells of that."""
    return [*_of_licences(orders, now), *_of_exclusions(orders, now)]


def _of_licences(orders: list[Order], now: datetime) -> list[datetime]:
    times = (order.licence.turns(now) for order in orders)
    return [time for time in times if time is not None]


def _of_exclusions(orders: list[Order], now: datetime) -> list[datetime]:
    times = (order.standing.turns(now) for order in orders)
    return [time for time in times if time is not None]


def _is_past(order: Order, facts: Facts) -> bool:
    """Finished for some time, and nothing that was marked for it still waits for anybody."""
    closed = order.state == "closed"
    if order.waiting or (order.good < order.quantity and not closed):
        return False
    if order.changed is None:
        return closed
    return order.changed + facts.limits.keep_finished <= facts.now


def _told(order: Order, facts: Facts) -> PlanOrder:
    state: TellState = "released"
    member = order.member(facts.gateway)
    obstacle = order.footing.against(facts.now, facts.where)
    reason = ""
    if obstacle is not None:
        state, reason = "suspended", obstacle.code
    elif order.state == "paused":
        state, reason = "held", "order-held"
    elif order.state in ("completed", "closed") or order.good >= order.quantity:
        state, reason = "finished", "order-finished"
    return PlanOrder(
        id=order.code,
        product=order.product,
        kind=order.kind,
        quantity=order.quantity,
        contents=order.contents,
        lot=order.lot,
        job=order.job,
        template=order.template,
        components=order.components,
        marks=None if member is None else member.components,
        verify=order.verify,
        expect=order.expect,
        tray=order.tray,
        state=state,
        reason=reason,
    )


def _voids(facts: Facts) -> tuple[Void, ...]:
    """The blocks whose unused numbers nobody is to mark any more, whether a plan named them or not.

    A gateway that has not heard of it may mark some until its lease ends. That is lawful, since its
    journal says under which plan it did; such a number is then what became of it, and not void.
    """
    closed = {order.code for order in facts.orders if order.state == "closed"}
    oldest = facts.now - facts.limits.void_after
    return tuple(
        Void(block.id, "closed" if block.order in closed else "expired")
        for block in facts.blocks
        if block.unclaimed and (block.order in closed or block.issued <= oldest)
    )


def _issues(
    facts: Facts, orders: list[Order], told: tuple[PlanOrder, ...], blocks: list[HeldBlock]
) -> tuple[Issue, ...]:
    """Blocks for the released orders whose numbers run short here; `blocks` are not void.

    A number that was voided, scrapped or lost, that is void, or that a lost journal left in doubt,
    will never be a good item: it is replaced.
    """
    if not facts.may_issue:
        return ()
    starts = dict(facts.spaces)
    issues = []
    for order, as_told in zip(orders, told, strict=True):
        member = order.member(facts.gateway)
        if as_told.state != "released" or member is None or not member.marks(order.opener):
            continue
        here = sum(block.unclaimed for block in blocks if block.order == order.code)
        before = sum(block.unclaimed for block in facts.blocks if block.order == order.code)
        void = order.void + before - here
        never = order.lost + order.ended + order.doubtful + void
        wanted = order.quantity + never - order.issued
        others = [other.held for other in _sharers(order, member)]
        ahead, reserve = _ahead(member, facts.limits)
        size = quota(here, others, wanted, ahead, reserve, order.tray or 1)
        if size > 0:
            start = starts[order.space]
            starts[order.space] = start + size
            issues.append(Issue(block_id(order.space, start), order.space, start, size, order.code))
    return tuple(issues)


def _ahead(member: Member, limits: Limits) -> tuple[int, int]:
    """How many numbers it holds, and how few it comes down to."""
    ahead = member.block_size or limits.block_size
    reserve = limits.reserve if member.reserve is None else member.reserve
    return ahead, ahead // 2 if reserve is None else min(reserve, ahead)


def _sharers(order: Order, me: Member) -> list[Member]:
    """The other gateways that open numbers of the order, whether they are there or not."""
    return [other for other in order.members if other != me and other.marks(order.opener)]


def _blocks(
    blocks: list[HeldBlock], orders: set[str], issues: Iterable[Issue]
) -> tuple[Block, ...]:
    """The blocks that still hold a number the register knows no claim of."""
    standing = [
        Block(id=block.id, space=block.space, start=block.start, end=block.end, order=block.order)
        for block in blocks
        if block.order in orders and block.unclaimed
    ]
    fresh = [
        Block(
            id=issue.block,
            space=issue.space,
            start=issue.start,
            end=issue.start + issue.size - 1,
            order=issue.order,
        )
        for issue in issues
    ]
    return (*standing, *fresh)


def _people(facts: Facts) -> tuple[Person, ...]:
    return tuple(
        person for person in facts.people if person.until is None or person.until > facts.now
    )


def _lease(orders: list[Order], told: tuple[PlanOrder, ...], facts: Facts) -> datetime:
    """To the first licence or approval that ends, or exclusion that begins.

    An outage must not outlive it.
    """
    released = [
        order for order, as_told in zip(orders, told, strict=True) if as_told.state == "released"
    ]
    ends = [order.licence.valid_until for order in released]
    ends += _approvals_end(orders, told, facts) + _of_exclusions(released, facts.now)
    return min([facts.now + facts.limits.lease, *ends]).astimezone(UTC)


def _approvals_end(
    orders: list[Order], told: tuple[PlanOrder, ...], facts: Facts
) -> list[datetime]:
    """When what the released orders rest on ends, where it does."""
    found = [
        order.permit.until(facts.now)
        for order, as_told in zip(orders, told, strict=True)
        if as_told.state == "released"
    ]
    return [end for end in found if end is not None]


def _differs(former: Plan, plan: Plan, facts: Facts) -> bool:
    """Whether the new plan says something else, or the lease has run for a quarter.

    What is due says by itself when it is worth a plan: what is done stays listed until then.
    """
    same = former.model_copy(
        update={"version": plan.version, "lease_until": plan.lease_until, "due": plan.due}
    )
    if same != plan:
        return True
    renew: timedelta = facts.limits.lease / 4
    return plan.lease_until != former.lease_until and (
        former.lease_until - facts.now < 3 * renew or plan.lease_until < former.lease_until
    )
