"""Issuing blocks of numbers, and losing those of a journal that ended."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import Range

from central import schema
from central.errors import Conflict, NotFound
from central.register.acts import Why, Work
from central.register.incarnation import REGISTER
from central.register.numbers.guard import Following
from central.register.numbers.models import block_id
from central.register.numbers.spaces import SPACE

PlanKey = tuple[int, int]
GUARD = 0x67756172
"""The advisory lock of who writes the guard."""


def issue(
    connection: Connection,
    space: str,
    size: int,
    stream: int,
    order: str,
    plan: PlanKey,
    *,
    start: int,
) -> None:
    """Issue `size` numbers of a space from `start` on; what lies before is skipped.

    Raises `NotFound`, or `Conflict` where others were issued since `start` was looked up.
    """
    table = schema.number_space
    following = connection.execute(
        select(table.c.next).where(table.c.name == space).with_for_update()
    ).scalar_one_or_none()
    if following is None:
        raise NotFound(f"no number space {space}")
    highest = connection.execute(
        select(func.max(func.upper(schema.block.c.span))).where(schema.block.c.space == space)
    ).scalar_one()
    if start < max(following, highest or 1):
        raise Conflict(f"{space}: the next number is no longer {start}")
    connection.execute(
        schema.block.insert().values(
            id=block_id(space, start),
            space=space,
            span=Range(start, start + size),
            stream=stream,
            order_code=order,
            plan_incarnation=plan[0],
            plan_version=plan[1],
        )
    )
    connection.execute(table.update().where(table.c.name == space).values(next=start + size))


def following(connection: Connection, spaces: Collection[str] | None = None) -> dict[str, int]:
    """By space (all where None), what follows every number that this database knows of."""
    rows = connection.execute(
        text(
            "SELECT name, greatest(next, (SELECT max(upper(span)) FROM block WHERE space = name))"
            " AS next FROM number_space WHERE CAST(:all AS boolean) OR name = ANY(:names)"
        ),
        {"all": spaces is None, "names": sorted(spaces or ())},
    )
    return {row.name: row.next for row in rows}


def go_on_from(work: Work, said: Following, why: Mapping[str, str] | None = None) -> None:
    """Numbers of these spaces go on no earlier than there; others than the register's are left.

    `why`: by space, for those of which somebody said so; an act tells of them in any case.
    """
    known = following(work.connection)
    gateways = work.connection.execute(select(schema.gateway.c.name)).scalars().all()
    for space, number in sorted(said.items()):
        told = (why or {}).get(space)
        if told is not None or known.get(space, number) < number:
            work.act(
                SPACE, space, "goes on", {"next": number}, why=Why(told or ""), gateways=gateways
            )


def lock_guard(connection: Connection) -> None:
    """Until the transaction ends nobody else reads and then writes the guard."""
    connection.execute(select(func.pg_advisory_xact_lock(GUARD)))


def unclaimed(
    connection: Connection, stream: int, *, never_lost: bool = False
) -> list[dict[str, Any]]:
    """Every run of numbers of the stream's blocks that no record has spent: block, start, end.

    `end` is the first number after it. `never_lost`: of blocks alone of which nothing is lost yet.
    """
    found = []
    blocks = (
        select(schema.block.c.id, schema.block.c.space, schema.block.c.span)
        .where(schema.block.c.stream == stream)
        .order_by(schema.block.c.id)
    )
    if never_lost:
        blocks = blocks.where(schema.block.c.id.not_in(select(schema.loss.c.block)))
    for block in connection.execute(blocks).all():
        claimed = connection.execute(
            select(schema.claim.c.number)
            .where(
                schema.claim.c.fresh,
                schema.claim.c.space == block.space,
                schema.claim.c.number >= block.span.lower,
                schema.claim.c.number < block.span.upper,
            )
            .distinct()
            .order_by(schema.claim.c.number)
        ).scalars()
        found += [
            {"block": block.id, "start": start, "end": end}
            for start, end in _gaps(block.span.lower, block.span.upper, claimed)
        ]
    return found


def awaits_reports(connection: Connection) -> bool:
    """Whether a restore was declared since which not every live gateway has reported."""
    return _settings(connection).get("restored") == "true"


def may_issue(work: Work) -> bool:
    """After a restore, not before every live gateway has reported to its journal's end.

    What the restored database forgot, the gateways' `accepted` records tell; until then more could
    be issued than an order needs. Notes when the time has come.
    """
    settings = _settings(work.connection)
    if settings.get("restored") != "true":
        return True
    declared = datetime.fromtimestamp(int(settings["incarnation"]), UTC)
    missing = work.connection.execute(
        text(
            "SELECT count(*) FROM stream s JOIN gateway w ON w.name = s.gateway"
            " LEFT JOIN gateway_state g"
            " ON g.gateway = s.gateway AND g.epoch = s.epoch"
            " WHERE s.state = 'live' AND (g.gateway IS NULL OR g.at < :declared"
            "  OR NOT g.online OR g.seq IS NULL OR g.seq > s.committed)"
        ),
        {"declared": declared},
    ).scalar_one()
    if missing:
        return False
    work.act(REGISTER, settings["incarnation"], "all reported")
    return True


def _settings(connection: Connection) -> dict[str, str]:
    table = schema.setting
    rows = connection.execute(select(table.c.name, table.c.value))
    return {row.name: row.value for row in rows}


def _gaps(start: int, end: int, taken: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The half-open runs of start..end that hold none of the sorted `taken`."""
    for number in taken:
        if number > start:
            yield start, number
        start = number + 1
    if start < end:
        yield start, end
