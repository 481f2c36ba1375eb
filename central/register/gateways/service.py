"""Inviting and enrolling a gateway or a device: the only way an epoch begins."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from central import schema
from central.errors import ClockOff, Conflict, InvitationInvalid, Refused
from central.register.acts import Why, Work
from central.register.gateways import disputes
from central.register.gateways.models import (
    Enrolled,
    Enrolment,
    ForkSettlement,
    Invitation,
    NewInvitation,
    PieceFinding,
)
from central.register.gateways.projection import GATEWAY, is_device
from central.register.numbers import service as numbers
from central.said import said
from gateway.contract.batch import NO_HEAD
from gateway.contract.encoding import format_time
from gateway.contract.plan import CentralKey

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # nothing that two people read differently


CLOCK_APART = timedelta(seconds=60)
"""How far the clock of a gateway that enrols may be from the register's."""


def invite(work: Work, asked: NewInvitation) -> Invitation:
    """A one-time code for one gateway; makes it known. Raises `Conflict`: a device's name."""
    if is_device(work.connection, asked.gateway):
        raise Conflict(said("{name} is a device; invite it as one", name=asked.gateway))
    return give_code(work, asked)


def give_code(work: Work, asked: NewInvitation) -> Invitation:
    """A one-time code of 100 bits, for whatever it is that is enrolled under that name."""
    code = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
    expires = datetime.now(UTC) + timedelta(hours=asked.hours)
    work.act(
        GATEWAY,
        asked.gateway,
        "invited",
        {"code_hash": _hash(code).hex(), "expires": expires},
        why=Why(asked.reason),
    )
    return Invitation(gateway=asked.gateway, code=code, expires=expires)


def enrol(work: Work, asked: Enrolment, keys: tuple[CentralKey, ...]) -> Enrolled:
    """Open the next epoch and end the former one. Raises `InvitationInvalid`, `ClockOff`.

    Numbers of the former epoch that no record has claimed are lost, and never issued again.
    """
    connection = work.connection
    invitation = _invitation(connection, asked)
    _compare_clocks(asked)
    GATEWAY.lock(connection, asked.gateway, frozenset())
    former = _former(connection, asked.gateway)
    epoch, previous = 1, NO_HEAD
    if former is not None:
        epoch, previous = former.epoch + 1, bytes(former.head)
    work.act(
        GATEWAY,
        asked.gateway,
        "enrolled",
        {
            "invitation": invitation.hex(),
            "epoch": epoch,
            "previous_head": previous.hex(),
            "public": asked.public,
            "losses": [] if former is None else numbers.unclaimed(connection, former.id),
        },
        why=Why(asked.reason),
        gateways=() if is_device(connection, asked.gateway) else sharing(connection, asked.gateway),
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


def settle_fork(work: Work, name: str, asked: ForkSettlement) -> tuple[PieceFinding, ...]:
    """Enter what was found of disputed numbers, and return it. Raises `Conflict`, `Refused`."""
    findings = tuple(each for each in asked.disputes if each.found is not None)
    if not findings:
        raise Refused(said("of none of the numbers it is said what was found"))
    mark, stream, item = schema.disputed_mark, schema.stream, schema.item
    known = set(
        work.connection.execute(
            select(mark.c.uii)
            .join(stream, stream.c.id == mark.c.stream)
            .where(stream.c.gateway == name)
        ).scalars()
    )
    told = {each.uii: each.found for each in findings}
    if len(told) < len(findings):
        raise Refused(said("one number is named twice"))
    held = set(
        work.connection.execute(select(item.c.uii).where(item.c.uii.in_(list(told)))).scalars()
    )
    for uii, found in told.items():
        if uii not in known:
            raise Conflict(said("{uii} is not disputed by a fork of {name}", uii=uii, name=name))
        if found == "one" and uii not in held:
            raise Refused(
                said("{uii}: no record holds its mark; scrap the piece, then say none", uii=uii)
            )
    payload = {"disputes": [each.model_dump() for each in findings]}
    work.act(
        GATEWAY,
        name,
        disputes.SETTLED,
        payload,
        why=asked.why,
        gateways=sharing(work.connection, name),
    )
    return findings


def sharing(connection: Connection, gateway: str) -> set[str]:
    """The gateway, and those that share its orders: its lost numbers are to be replaced."""
    mine, theirs = schema.order_gateway.alias(), schema.order_gateway.alias()
    shared = connection.execute(
        select(theirs.c.gateway)
        .join(mine, mine.c.order_code == theirs.c.order_code)
        .where(mine.c.gateway == gateway)
    ).scalars()
    return {gateway, *shared}


def _invitation(connection: Connection, asked: Enrolment) -> bytes:
    table = schema.invitation
    row = connection.execute(
        select(table).where(table.c.code_hash == _hash(asked.code)).with_for_update()
    ).one_or_none()
    # One answer for every fault: a code tells nothing to whom it was not given.
    if row is None or row.used or row.expires <= datetime.now(UTC) or row.gateway != asked.gateway:
        raise InvitationInvalid("the code is unknown, used, too old, or for another gateway")
    return bytes(row.code_hash)


def _compare_clocks(asked: Enrolment) -> None:
    now = datetime.now(UTC)
    if asked.at is not None and abs(asked.at - now) > CLOCK_APART:
        at, here = format_time(asked.at), format_time(now)
        raise ClockOff(said("the gateway's clock says {at}, and it is {now}", at=at, now=here))


def _former(connection: Connection, gateway: str) -> Row[Any, Any, Any] | None:
    table = schema.stream
    return connection.execute(
        select(table.c.id, table.c.epoch, table.c.head)
        .where(table.c.gateway == gateway)
        .order_by(table.c.epoch.desc())
        .limit(1)
        .with_for_update()
    ).one_or_none()


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.strip().upper().encode()).digest()
