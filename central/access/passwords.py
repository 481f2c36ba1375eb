"""What an account or a token proves itself with. Kept apart from acts, which are kept for ever."""

import hashlib
import secrets
from datetime import timedelta

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from central import schema

ARGON2 = PasswordHash((Argon2Hasher(),))
SETUP = "setup"


def fresh_secret() -> str:
    """256 bits that nobody can guess, in 43 characters."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """Of a secret of ours: SHA-256 in hex. It is long enough for a plain hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def keep_password(connection: Connection, account: str, password: str) -> None:
    """By argon2; takes about a tenth of a second of one core."""
    _keep(connection, "password", account, ARGON2.hash(password))


def keep_secret(connection: Connection, kind: str, owner: str, secret: str) -> None:
    """`kind`: any but password, as `schema.credential` names them. A former one of that owner is no
    longer good."""
    _keep(connection, kind, owner, fingerprint(secret))


def forget(connection: Connection, kind: str, owner: str) -> None:
    """It proves nothing from now on."""
    table = schema.credential
    connection.execute(table.delete().where(table.c.kind == kind, table.c.owner == owner))


def forget_all(connection: Connection, kind: str) -> None:
    """Make every one of that kind worthless."""
    table = schema.credential
    connection.execute(table.delete().where(table.c.kind == kind))


def password_is(connection: Connection, account: str, password: str) -> bool:
    """Takes as long for an account that does not exist."""
    kept = _kept(connection, "password", account)
    if kept is None:
        ARGON2.hash(password)  # as much work as a comparison
        return False
    return ARGON2.verify(password, kept)


def use(connection: Connection, kind: str, secret: str) -> bool:
    """Whether it is good; it is no more, for whoever else comes with it."""
    table = schema.credential
    done = connection.execute(
        table.delete().where(table.c.kind == kind, table.c.hash == fingerprint(secret))
    )
    return done.rowcount == 1


def owner_of(connection: Connection, kind: str, secret: str, good_for: timedelta) -> str:
    """Whose it is while it is good; nothing where it is unknown or too old."""
    table = schema.credential
    owner = connection.execute(
        select(table.c.owner).where(
            table.c.kind == kind,
            table.c.hash == fingerprint(secret),
            table.c.kept > func.now() - good_for,
        )
    ).scalar_one_or_none()
    return owner or ""


def forget_old(connection: Connection, kind: str, good_for: timedelta) -> None:
    """Those that nobody used in time."""
    table = schema.credential
    connection.execute(
        table.delete().where(table.c.kind == kind, table.c.kept < func.now() - good_for)
    )


def _kept(connection: Connection, kind: str, owner: str) -> str | None:
    table = schema.credential
    return connection.execute(
        select(table.c.hash).where(table.c.kind == kind, table.c.owner == owner)
    ).scalar_one_or_none()


def _keep(connection: Connection, kind: str, owner: str, hashed: str) -> None:
    values = {"hash": hashed, "kept": func.now()}
    connection.execute(
        insert(schema.credential)
        .values(kind=kind, owner=owner, **values)
        .on_conflict_do_update(index_elements=["kind", "owner"], set_=values)
    )
