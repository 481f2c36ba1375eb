"""Inviting and enrolling a gateway: the only way an epoch begins."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Row, func, select
from sqlalchemy.dialects.postgresql import insert

from central import schema
from central.errors import InvitationInvalid
from central.register.acts import record_act
from central.register.gateways.models import Enrolled, Enrolment, Invitation, NewInvitation
from central.register.numbers import service as numbers
from gateway.contract.batch import NO_HEAD, first_head
from gateway.contract.plan import CentralKey
from gateway.contract.signed import key_id

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # nothing that two people read differently


def invite(connection: Connection, new: NewInvitation) -> Invitation:
    """A one-time code of 100 bits, for one gateway; makes the gateway known."""
    code = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
    expires = datetime.now(UTC) + timedelta(hours=new.hours)
    connection.execute(insert(schema.gateway).values(name=new.gateway).on_conflict_do_nothing())
    connection.execute(
        schema.invitation.insert().values(
            gateway=new.gateway, code_hash=_hash(code), reason=new.reason, expires=expires
        )
    )
    record_act(connection, "gateway", new.gateway, "invited", new.reason)
    return Invitation(gateway=new.gateway, code=code, expires=expires)


def enrol(connection: Connection, asked: Enrolment, keys: tuple[CentralKey, ...]) -> Enrolled:
    """Open the next epoch and end the former one. Raises `InvitationInvalid`.

    Numbers of the former epoch that no record has claimed are lost, and never issued again.
    """
    _use_invitation(connection, asked)
    connection.execute(
        select(schema.gateway.c.name)
        .where(schema.gateway.c.name == asked.gateway)
        .with_for_update()
    )
    former = _former(connection, asked.gateway)
    epoch, previous = 1, NO_HEAD
    if former is not None:
        epoch, previous = former.epoch + 1, bytes(former.head)
        _close(connection, former)
    stream = connection.execute(
        schema.stream.insert()
        .values(
            gateway=asked.gateway,
            epoch=epoch,
            previous_head=previous,
            head=first_head(asked.gateway, epoch, previous),
            reason=asked.reason,
        )
        .returning(schema.stream.c.id)
    ).scalar_one()
    public = bytes.fromhex(asked.public)
    Ed25519PublicKey.from_public_bytes(public)
    connection.execute(
        schema.stream_key.insert().values(
            stream=stream, key_id=key_id(public), public=public, from_seq=1
        )
    )
    record_act(
        connection,
        "gateway",
        asked.gateway,
        f"enrolled epoch {epoch}",
        asked.reason,
        gateways=_concerned(connection, asked.gateway),
    )
    incarnation = connection.execute(
        select(schema.setting.c.value).where(schema.setting.c.name == "incarnation")
    ).scalar_one()
    return Enrolled(
        gateway=asked.gateway,
        epoch=epoch,
        previous_head=previous.hex(),
        incarnation=int(incarnation),
        keys=keys,
    )


def _concerned(connection: Connection, gateway: str) -> set[str]:
    """The gateway, and those that share its orders: its lost numbers are to be replaced."""
    mine, theirs = schema.order_gateway.alias(), schema.order_gateway.alias()
    shared = connection.execute(
        select(theirs.c.gateway)
        .join(mine, mine.c.order_code == theirs.c.order_code)
        .where(mine.c.gateway == gateway)
    ).scalars()
    return {gateway, *shared}


def _use_invitation(connection: Connection, asked: Enrolment) -> None:
    table = schema.invitation
    row = connection.execute(
        select(table).where(table.c.code_hash == _hash(asked.code)).with_for_update()
    ).one_or_none()
    now = datetime.now(UTC)
    # One answer for every fault: a code tells nothing to whom it was not given.
    if row is None or row.used or row.expires <= now or row.gateway != asked.gateway:
        raise InvitationInvalid("the code is unknown, used, too old, or for another gateway")
    connection.execute(table.update().where(table.c.id == row.id).values(used=now))


def _former(connection: Connection, gateway: str) -> Row[Any, Any, Any, Any] | None:
    table = schema.stream
    return connection.execute(
        select(table.c.id, table.c.epoch, table.c.head, table.c.state)
        .where(table.c.gateway == gateway)
        .order_by(table.c.epoch.desc())
        .limit(1)
        .with_for_update()
    ).one_or_none()


def _close(connection: Connection, former: Row[Any, Any, Any, Any]) -> None:
    table = schema.stream
    if former.state == "live":  # a latched one keeps the name of its latch
        connection.execute(
            table.update().where(table.c.id == former.id).values(state="closed", ended=func.now())
        )
    numbers.lose(connection, former.id)


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.strip().upper().encode()).digest()
