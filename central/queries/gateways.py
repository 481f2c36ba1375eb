"""Gateways with their health: what each last said, and what the register holds of it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, text

from central.errors import NotFound, Refused
from central.queries.models import Gateway, Link, PlanKey
from central.queries.paging import Page, Text, page, position
from central.register.subject import no_such
from central.said import said
from gateway.contract.topics import STATE_EVERY_S

SILENT_AFTER = timedelta(seconds=2.5 * STATE_EVERY_S)
"""Two states were missed: it is not offline by its last will, and it does not speak either."""

_GATEWAYS = text(
    "SELECT g.name, s.epoch, s.state AS stream, coalesce(s.committed, 0) AS committed,"
    " t.epoch AS said_epoch, t.boot_counter, t.boot_nonce, t.online, t.plan_incarnation,"
    " t.plan_version, t.seq, t.latches, t.at, b.received,"
    " p.incarnation AS newest_incarnation, p.version AS newest_version,"
    " (SELECT count(*) FROM refusal r JOIN stream rs ON rs.id = r.stream"
    "   WHERE rs.gateway = g.name AND r.resolved IS NULL) AS refused,"
    " (SELECT count(*) FROM evidence e WHERE e.gateway = g.name) AS evidence"
    " FROM gateway g"
    " LEFT JOIN gateway_state t ON t.gateway = g.name"
    " LEFT JOIN LATERAL (SELECT * FROM stream WHERE gateway = g.name"
    "   ORDER BY epoch DESC LIMIT 1) s ON true"
    " LEFT JOIN LATERAL (SELECT received FROM batch WHERE stream = s.id"
    "   ORDER BY first DESC LIMIT 1) b ON true"
    " LEFT JOIN LATERAL (SELECT incarnation, version FROM plan WHERE gateway = g.name"
    "   ORDER BY incarnation DESC, version DESC LIMIT 1) p ON true"
    " WHERE CAST(:name AS text) IS NULL OR g.name = :name ORDER BY g.name"
)


def listed(connection: Connection) -> list[Gateway]:
    """All of them, by name."""
    return _gateways(connection, None)


Sort = Literal[
    "name",
    "-name",
    "link",
    "-link",
    "epoch",
    "-epoch",
    "waiting",
    "-waiting",
    "seen",
    "-seen",
]


def paged(connection: Connection, limit: int, cursor: str | None, sort: Sort) -> Page[Gateway]:
    """There are as many as there are lines: they are sorted here, as they are at this moment.

    Raises `Refused` for a cursor that no page of this order gave.
    """
    after = position(cursor, Literal[sort], Text)
    found = _in_order(listed(connection), sort)
    start = 0
    if after is not None:
        names = [gateway.name for gateway in found]
        if after[1] not in names:
            raise Refused(said("cursor: no page gave it"))
        start = names.index(after[1]) + 1
    return page(found[start:], limit, lambda gateway: (sort, gateway.name))


def _in_order(gateways: list[Gateway], sort: Sort) -> list[Gateway]:
    """Equal ones by name, what has no value last; the other way round, names too."""
    down, by = sort.startswith("-"), sort.removeprefix("-")
    told = {gateway.name: getattr(gateway, by) for gateway in gateways}
    if by == "link":
        told = {name: get_args(Link).index(link) for name, link in told.items()}
    empty = [gateway for gateway in gateways if told[gateway.name] is None]
    full = [gateway for gateway in gateways if told[gateway.name] is not None]
    full.sort(key=lambda gateway: (told[gateway.name], gateway.name), reverse=down)
    empty.sort(key=lambda gateway: gateway.name, reverse=down)
    return full + empty


def one(connection: Connection, name: str) -> Gateway:
    """Raises `NotFound`."""
    found = _gateways(connection, name)
    if not found:
        raise NotFound(no_such("gateway", name))
    return found[0]


def _gateways(connection: Connection, name: str | None) -> list[Gateway]:
    now = datetime.now(UTC)
    return [_gateway(row, now) for row in connection.execute(_GATEWAYS, {"name": name})]


def _gateway(row: Row[Any], now: datetime) -> Gateway:
    heard = [when for when in (row.at, row.received) if when is not None]
    seen = max(heard, default=None)
    # What it said of an earlier epoch's journal tells nothing of the newest one.
    current = row.at is not None and row.said_epoch == row.epoch
    seq = row.seq if current else None
    return Gateway(
        name=row.name,
        link=link_of(row.online, seen, now),
        epoch=row.epoch,
        boot=None if row.at is None else f"{row.boot_counter}-{row.boot_nonce}",
        stream=row.stream,
        latches=list(row.latches or ()),
        committed=row.committed,
        seq=seq,
        waiting=None if seq is None else max(0, seq - row.committed),
        plan=_plan(row.plan_incarnation, row.plan_version) if current else None,
        newest_plan=_plan(row.newest_incarnation, row.newest_version),
        seen=seen,
        refused=row.refused,
        evidence=row.evidence,
    )


def link_of(online: bool | None, seen: datetime | None, now: datetime) -> Link:
    """`online` is the gateway's last word, or its last will's; None when it never spoke."""
    if online is None:
        return "never"
    if not online:
        return "offline"
    return "silent" if seen is None or now - seen > SILENT_AFTER else "online"


def _plan(incarnation: int | None, version: int | None) -> PlanKey | None:
    if incarnation is None or version is None:
        return None
    return PlanKey(incarnation=incarnation, version=version)
