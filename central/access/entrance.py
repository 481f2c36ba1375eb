"""The way in: passwords and codes, how often they may be tried, and what is kept of failures."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Engine

from central.access import known, tokens
from central.access.accounts import ACCOUNT, Account
from central.access.attempts import Attempts
from central.access.second_factor import SecondFactor
from central.access.sign_ins import SIGN_IN
from central.access.tokens import Issued, NewSession
from central.errors import CodeNeeded, Forbidden, Refused, Unauthorized, WrongCode
from central.register.acts import By, Work

CODES, WITHIN_S = 10, 3600.0
"""Codes of the second factor that may be wrong within an hour, for who knows the password."""
log = logging.getLogger(__name__)


def code_attempts() -> Attempts:
    """For `Entrance.codes`."""
    return Attempts(what="codes", most=CODES, within_s=WITHIN_S)


@dataclass(frozen=True)
class Entrance:
    """`attempts` are counted by account; those of a browser that is known, by themselves. `codes`:
    those of the second factor, of which three in a million are good at any time."""

    engine: Engine
    attempts: Attempts
    codes: Attempts
    factor: SecondFactor

    def password(self, name: str, password: str, *, browser: str = "", address: str) -> Account:
        """Whose it is. `browser`: the secret by which it may be known. Raises `Unauthorized` or
        `TooMany`."""
        with (
            self._counted(name, "password", browser, address),
            self.engine.begin() as connection,
        ):
            return tokens.known(connection, name, password)

    def code(self, name: str, code: str, *, browser: str = "", address: str) -> None:
        """Of the second factor; it is used up. Raises `WrongCode` or `TooMany`."""
        with (
            self._counted(name, "code", browser, address),
            self.engine.begin() as connection,
        ):
            self.factor.check(connection, name, code)

    def session(self, asked: NewSession, address: str) -> Issued:
        """All in one request, as programs sign in. Raises `CodeNeeded` besides."""
        account = self.password(asked.account, asked.password, address=address)
        if asked.role is None and len(account.roles) > 1:
            raise Refused("role: one of " + ", ".join(account.roles))
        role = asked.role or account.roles[0]
        with self.engine.connect() as connection:
            enrolled = self.factor.enrolled(connection, account.name)
        if enrolled:
            if asked.code is None:
                raise CodeNeeded("code: of the authenticator, or a recovery code")
            self.code(account.name, asked.code, address=address)
        elif self.factor.needed(role):
            raise Forbidden(f"{role} needs a second factor; it is enrolled on the pages")
        with self.engine.begin() as connection:
            return tokens.begin(connection, account, role)

    @contextmanager
    def _counted(
        self, name: str, what: Literal["password", "code"], browser: str, address: str
    ) -> Iterator[None]:
        """One try; a failure is kept as an act."""
        mine = ""
        if browser:
            with self.engine.connect() as connection:
                mine = known.which(connection, name, browser)
        attempts = self.attempts if what == "password" else self.codes
        try:
            with attempts.attempt(f"{name} {mine}" if mine else name):
                yield
        except (Unauthorized, WrongCode):
            with self.engine.begin() as connection:
                self._failed(connection, name, what, address)
            raise

    def _failed(self, connection: Connection, name: str, what: str, address: str) -> None:
        """What no account is called may be a password in the wrong field: it is kept nowhere."""
        if ACCOUNT.load(connection, name) is None:
            log.info("a sign-in failed from %s, for a name that no account has", address)
            return
        work = Work(connection, By.program("sign-in"))
        work.act(SIGN_IN, name, f"{what} failed", {"from": address})
