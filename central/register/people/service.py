"""Entering a person of a gateway; the same person again replaces badge, PIN, roles and end."""

import hashlib
from datetime import datetime

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from central import schema
from central.register.acts import Act, Work
from central.register.people.models import NewPerson
from central.register.subject import Row, Subject

PINS = PasswordHash((Argon2Hasher(),))


def badge_hash(badge: str) -> str:
    """As the plan carries it: SHA-256 of `gjurma/v1/badge\\n` and the badge's text, in hex."""
    return hashlib.sha256(b"gjurma/v1/badge\n" + badge.encode()).hexdigest()


class Person(Row):
    """A person of a gateway as the register holds them."""

    code: str
    gateway: str
    proof: str
    roles: tuple[str, ...]
    until: datetime | None
    created: datetime


def apply(state: Person | None, act: Act) -> Person:
    """Whoever stands there already keeps the time of their entering."""
    return Person.of(act, created=act.at if state is None else state.created)


PERSON = Subject("person", schema.person, Person, apply, key=("gateway", "code"))


def put(work: Work, new: NewPerson) -> Person:
    """Raises `NotFound` for an unknown gateway.

    A PIN of four digits is soon found from its hash, so acts, which many may read, hold neither.
    """
    badge = badge_hash(new.badge.get_secret_value())
    pin = PINS.hash(new.pin.get_secret_value())
    person = work.act(
        PERSON,
        f"{new.gateway}/{new.code}",
        "entered",
        {
            "code": new.code,
            "gateway": new.gateway,
            "proof": hashlib.sha256((badge + pin).encode()).hexdigest(),
            "roles": new.roles,
            "until": new.until,
        },
        gateways=[new.gateway],
    )
    table = schema.person
    work.connection.execute(
        table.update()
        .where(table.c.gateway == new.gateway, table.c.code == new.code)
        .values(badge=badge, pin=pin)
    )
    return person
