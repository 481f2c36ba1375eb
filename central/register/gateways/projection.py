"""A gateway's or a device's invitations, its epochs with their first keys, and what one left."""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import Range, insert

from central import schema
from central.register.acts import CARRIED_OVER, Act
from central.register.gateways import disputes
from central.register.gateways.disputes import DISPUTED, SETTLED
from gateway.contract.batch import first_head
from gateway.contract.signed import key_id

SALVAGED = "salvaged"
"""The act by which an officer brings records of an ended epoch; see `central.ingest.salvage`."""
UNJUDGED, JUDGED = "unjudged", "judged again"
"""Acts that tell of a batch that ingest could not judge: it is kept so, and judged later."""
_TIME: TypeAdapter[datetime | None] = TypeAdapter(datetime | None)


class Gateways:
    """`invited`, `enrolled`, `latched`, `disputed`, `fork settled`, `salvaged`, and `in doubt`:
    what may have been marked unreported."""

    name = "gateway"

    def lock(self, connection: Connection, key: str, expected: frozenset[int]) -> None:
        # An order that names the gateway takes its row too, after the lock of all acts.
        for table in (schema.gateway, schema.device):
            connection.execute(
                select(table.c.name).where(table.c.name == key).with_for_update(key_share=True)
            )

    def project(self, connection: Connection, act: Act) -> None:
        """Carry it out; what batches tell of the epochs is not touched."""
        match act.what:
            case "invited":
                _enter(connection, act.key, act.at)
                _invite(connection, act.key, dict(act.payload), act.reason, act.at, None)
            case "enrolled":
                _use(connection, bytes.fromhex(act.payload["invitation"]), act.at)
                _end(connection, act)
                opened = {"state": "live", "reason": act.reason, "opened": act.at, "ended": None}
                _open(connection, act.key, {**act.payload, **opened, "id": act.id})
            case "latched":
                latch(connection, act.key, act.payload["epoch"], act.payload["state"], act.at)
            case str() if act.what == SALVAGED:
                _salvage(connection, act)
            case str() if act.what == DISPUTED:
                for statement in disputes.STATEMENTS:
                    connection.exec_driver_sql(statement, (act.id,))
            case str() if act.what == SETTLED:
                for statement in disputes.SETTLEMENT:
                    connection.exec_driver_sql(statement, (act.id,))
            case "in doubt":
                enter_doubts(
                    connection,
                    [
                        {**doubt, "at": act.at, "returned": None, "reason": ""}
                        for doubt in act.payload["doubts"]
                    ],
                )
            case str() if act.what in (UNJUDGED, JUDGED):
                pass  # the batch is taken in by it: `central.ingest.store`
            case str() if act.what == CARRIED_OVER:
                _carry_over(connection, act)
            case _:
                raise AssertionError(act.what)


GATEWAY = Gateways()


def is_device(connection: Connection, name: str) -> bool:
    """Whether it is a device that scans; else it is a gateway, or nothing yet."""
    table = schema.device
    return connection.execute(select(table.c.name).where(table.c.name == name)).first() is not None


def latch(connection: Connection, gateway: str, epoch: int, state: str, at: datetime) -> None:
    """The epoch has ended, by its latch or because the next one began."""
    table = schema.stream
    connection.execute(
        table.update()
        .where(table.c.gateway == gateway, table.c.epoch == epoch)
        .values(state=state, ended=at)
    )


def enter_doubts(connection: Connection, doubts: list[dict[str, Any]]) -> None:
    """Rows of `doubt`."""
    if doubts:
        connection.execute(schema.doubt.insert(), doubts)


def _enter(connection: Connection, gateway: str, created: datetime) -> None:
    """Make the gateway known; a device is no gateway, and nothing that marks may name it."""
    if is_device(connection, gateway):
        return
    connection.execute(
        insert(schema.gateway).values(name=gateway, created=created).on_conflict_do_nothing()
    )


def _invite(
    connection: Connection,
    gateway: str,
    payload: dict[str, Any],
    reason: str,
    created: datetime,
    used: datetime | None,
) -> None:
    connection.execute(
        schema.invitation.insert().values(
            gateway=gateway,
            code_hash=bytes.fromhex(payload["code_hash"]),
            reason=reason,
            expires=_TIME.validate_python(payload["expires"]),
            used=used,
            created=created,
        )
    )


def _use(connection: Connection, code_hash: bytes, at: datetime) -> None:
    table = schema.invitation
    connection.execute(table.update().where(table.c.code_hash == code_hash).values(used=at))


def _end(connection: Connection, act: Act) -> None:
    """The former epoch, if it has not ended by a latch; and the numbers that it leaves."""
    table = schema.stream
    connection.execute(
        table.update()
        .where(
            table.c.gateway == act.key,
            table.c.epoch == act.payload["epoch"] - 1,
            table.c.state == "live",  # a latched one keeps the name of its latch
        )
        .values(state="closed", ended=act.at)
    )
    _lose(connection, [loss | {"at": act.at} for loss in act.payload["losses"]])


def _salvage(connection: Connection, act: Act) -> None:
    """Keys of later epochs have signed records of this one; and what of new blocks is lost."""
    _lose(connection, [loss | {"at": act.at} for loss in act.payload["losses"]])
    stream = select(schema.stream.c.id).where(
        schema.stream.c.gateway == act.key, schema.stream.c.epoch == act.payload["epoch"]
    )
    for key in act.payload["keys"]:
        public = bytes.fromhex(key["public"])
        connection.execute(
            insert(schema.stream_key)
            .values(
                stream=stream.scalar_subquery(),
                key_id=key_id(public),
                public=public,
                from_seq=key["first"],
                to_seq=key["last"],
            )
            .on_conflict_do_nothing()
        )


def _lose(connection: Connection, losses: list[dict[str, Any]]) -> None:
    rows = [
        {
            "block": loss["block"],
            "span": Range(loss["start"], loss["end"]),
            "at": _TIME.validate_python(loss["at"]),
        }
        for loss in losses
    ]
    if rows:
        connection.execute(schema.loss.insert(), rows)


def _open(connection: Connection, gateway: str, epoch: dict[str, Any]) -> None:
    previous, public = bytes.fromhex(epoch["previous_head"]), bytes.fromhex(epoch["public"])
    connection.execute(
        schema.stream.insert().values(
            id=epoch["id"],
            gateway=gateway,
            epoch=epoch["epoch"],
            previous_head=previous,
            head=first_head(gateway, epoch["epoch"], previous),
            state=epoch["state"],
            reason=epoch["reason"],
            opened=_TIME.validate_python(epoch["opened"]),
            ended=_TIME.validate_python(epoch["ended"]),
        )
    )
    connection.execute(
        schema.stream_key.insert().values(
            stream=epoch["id"], key_id=key_id(public), public=public, from_seq=1
        )
    )


def _carry_over(connection: Connection, act: Act) -> None:
    created = _TIME.validate_python(act.payload["created"])
    assert created is not None
    _enter(connection, act.key, created)
    for each in act.payload["invitations"]:
        made, used = map(_TIME.validate_python, (each["created"], each["used"]))
        assert made is not None
        _invite(connection, act.key, each, each["reason"], made, used)
    for each in act.payload["streams"]:
        _open(connection, act.key, each)
    _lose(connection, act.payload["losses"])
    enter_doubts(
        connection,
        [
            each | {name: _TIME.validate_python(each[name]) for name in ("at", "returned")}
            for each in act.payload["doubts"]
        ],
    )
