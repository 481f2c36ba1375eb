"""Who has proved something and not yet all that it takes: kept for a few minutes.

What proves it is a secret that the browser keeps; of it only a digest is kept, as of a token.
"""

import secrets
from datetime import timedelta
from typing import Literal, get_args

from sqlalchemy import Connection

from central import schema
from central.access import passwords
from central.access.accounts import ACCOUNT, Account
from central.errors import Unauthorized

KIND = "half"
GOOD_FOR = timedelta(minutes=10)
Proved = Literal["password", "code", "identity"]
"""What was proved: the password, or the code of the second factor too; or all of it, at an agency's
sign-on."""
_PROVED: tuple[Proved, ...] = get_args(Proved)


def begin(connection: Connection, account: str, proved: Proved) -> str:
    """The secret that says it."""
    secret = passwords.fresh_secret()
    owner = f"{account} {proved} {secrets.token_hex(8)}"
    passwords.keep_secret(connection, KIND, owner, secret)
    return secret


def whose(connection: Connection, secret: str) -> tuple[Account, Proved]:
    """Raises `Unauthorized`: unknown, used, too old, or the account is disabled meanwhile."""
    owner = passwords.owner_of(connection, KIND, secret, GOOD_FOR)
    name, proved, _ = (owner or "  ").split(" ")
    account = ACCOUNT.load(connection, name)
    if account is None or account.state != "active":
        raise Unauthorized("the sign-in was begun too long ago")
    return account, next(each for each in _PROVED if each == proved)


def end(connection: Connection, secret: str) -> None:
    """It is good once. Raises `Unauthorized` where somebody was there before."""
    if not passwords.use(connection, KIND, secret):
        raise Unauthorized("the sign-in was ended already")


def end_all(connection: Connection, account: str) -> None:
    """Whoever is on the way in as that account begins again."""
    table = schema.credential
    connection.execute(
        table.delete().where(table.c.kind == KIND, table.c.owner.startswith(f"{account} "))
    )
