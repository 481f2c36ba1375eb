"""What became of a scan as a row: the event that it is, or why it is none."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from central import schema
from central.errors import Conflict
from central.register.acts import Act

FLAGGED = "flagged"
"""It is an event that something cannot have befallen as it was told, or names what is unknown."""


class _Scans:
    """`refused`: of scans that are no event; of all others the act of their event tells."""

    name = "scan"

    def lock(self, connection: Connection, key: str, expected: frozenset[int]) -> None:
        """A scan is judged once."""
        if _is_known(connection, key):
            raise Conflict(f"scan {key} was judged already")

    def project(self, connection: Connection, act: Act) -> None:
        """Keep why."""
        _keep(connection, act, None, act.payload["code"], act.payload["detail"], act.payload)


SCAN = _Scans()


def follow(connection: Connection, act: Act, flagged: int) -> None:
    """An event that is a scan: with how many of its articles it found amiss."""
    told: Mapping[str, Any] | None = act.payload.get("scan")
    if told is not None:
        verdict = FLAGGED if flagged or told["strange"] else "ok"
        _keep(connection, act, act.key, verdict, "", told)


def _keep(
    connection: Connection,
    act: Act,
    event: str | None,
    verdict: str,
    detail: str,
    told: Mapping[str, Any],
) -> None:
    gateway, epoch, seq = act.key.split("/")
    at = told["at"]
    connection.execute(
        schema.scan.insert().values(
            gateway=gateway,
            epoch=int(epoch),
            seq=int(seq),
            what=told["purpose"],
            at=None if at is None else datetime.fromisoformat(at),
            event=event,
            verdict=verdict,
            detail=detail,
            strange=told["strange"],
            version=act.id,
        )
    )


def _is_known(connection: Connection, key: str) -> bool:
    table, (gateway, epoch, seq) = schema.scan, key.split("/")
    query = select(table.c.seq).where(
        table.c.gateway == gateway, table.c.epoch == int(epoch), table.c.seq == int(seq)
    )
    return connection.execute(query).first() is not None
