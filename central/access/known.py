"""Browsers in which somebody has signed in before: strangers' failures do not lock them out.

Whoever tries passwords on an account spends what all strangers together may try on it. A browser
that its owner used before has tries of its own (OWASP's device cookies).
"""

import secrets
from datetime import timedelta

from sqlalchemy import Connection

from central.access import passwords

KIND = "known"
GOOD_FOR = timedelta(days=180)


def remember(connection: Connection, account: str) -> str:
    """The secret that the browser keeps."""
    secret = passwords.fresh_secret()
    passwords.keep_secret(connection, KIND, f"{account} {secrets.token_hex(8)}", secret)
    return secret


def which(connection: Connection, account: str, secret: str) -> str:
    """As which browser of that account it is known; nothing where it is not."""
    name, _, browser = passwords.owner_of(connection, KIND, secret, GOOD_FOR).partition(" ")
    return browser if name == account else ""
