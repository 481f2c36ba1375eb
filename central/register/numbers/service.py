"""Issuing blocks of numbers, and losing those of a journal that ended."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import Range

from central import schema
from central.errors import Conflict, NotFound
from central.register.numbers.models import block_id

PlanKey = tuple[int, int]


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
    """Issue the next `size` numbers of a space, which begin at `start`.

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
    if start != max(following, highest or 1):
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


def lose(connection: Connection, stream: int) -> None:
    """Every number of the stream's blocks that no record has claimed is lost from now on."""
    for block in connection.execute(
        select(schema.block.c.id, schema.block.c.space, schema.block.c.span).where(
            schema.block.c.stream == stream
        )
    ).all():
        claimed = connection.execute(
            select(schema.claim.c.number)
            .where(
                schema.claim.c.space == block.space,
                schema.claim.c.number >= block.span.lower,
                schema.claim.c.number < block.span.upper,
            )
            .distinct()
            .order_by(schema.claim.c.number)
        ).scalars()
        gaps = [
            {"block": block.id, "span": Range(start, end)}
            for start, end in _gaps(block.span.lower, block.span.upper, claimed)
        ]
        if gaps:
            connection.execute(schema.loss.insert(), gaps)


def may_issue(connection: Connection) -> bool:
    """After a restore, not before every live gateway has reported to its journal's end.

    What the restored database forgot, the gateways' `accepted` records tell; until then a number
    could be issued twice.
    """
    settings = dict(
        connection.execute(select(schema.setting.c.name, schema.setting.c.value)).tuples().all()
    )
    if settings.get("restored") != "true":
        return True
    declared = datetime.fromtimestamp(int(settings["incarnation"]), UTC)
    missing = connection.execute(
        text(
            "SELECT count(*) FROM stream s LEFT JOIN gateway_state g"
            " ON g.gateway = s.gateway AND g.epoch = s.epoch"
            " WHERE s.state = 'live' AND (g.gateway IS NULL OR g.at < :declared"
            "  OR NOT g.online OR g.seq IS NULL OR g.seq > s.committed)"
        ),
        {"declared": declared},
    ).scalar_one()
    if missing:
        return False
    connection.execute(
        schema.setting.update().where(schema.setting.c.name == "restored").values(value="false")
    )
    return True


def _gaps(start: int, end: int, taken: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The half-open runs of start..end that hold none of the sorted `taken`."""
    for number in taken:
        if number > start:
            yield start, number
        start = number + 1
    if start < end:
        yield start, end
