"""Entering a person of a gateway; the same person again replaces badge, PIN, roles and end."""

import hashlib

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from central import schema
from central.register.acts import record_act
from central.register.people.models import NewPerson
from central.register.unique import inserting

_PINS = PasswordHash((Argon2Hasher(),))


def badge_hash(badge: str) -> str:
    """As the plan carries it: SHA-256 of `gjurma/v1/badge\\n` and the badge's text, in hex."""
    return hashlib.sha256(b"gjurma/v1/badge\n" + badge.encode()).hexdigest()


def put(connection: Connection, new: NewPerson) -> None:
    """Raises `NotFound` for an unknown gateway."""
    values = {
        "badge": badge_hash(new.badge.get_secret_value()),
        "pin": _PINS.hash(new.pin.get_secret_value()),
        "roles": list(new.roles),
        "until": new.until,
    }
    with inserting(f"person {new.code}"):
        connection.execute(
            insert(schema.person)
            .values(code=new.code, gateway=new.gateway, **values)
            .on_conflict_do_update(index_elements=["code", "gateway"], set_=values)
        )
    record_act(connection, "person", f"{new.gateway}/{new.code}", "entered", gateways=[new.gateway])
