"""The way in: passwords and codes, how often they may be tried, and what is kept of failures."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import Connection, Engine

from central.access import identities, known, tokens
from central.access.accounts import ACCOUNT, Account, Identity
from central.access.attempts import Attempts
from central.access.oidc import Provider, Question
from central.access.places import Places
from central.access.second_factor import SecondFactor
from central.access.sign_ins import SIGN_IN
from central.access.tokens import Issued, NewSession
from central.addresses import network
from central.errors import (
    CodeNeeded,
    Forbidden,
    NotEnabled,
    NotFound,
    Refused,
    SignOnRefused,
    Unauthorized,
    WrongCode,
)
from central.register.acts import By, Work

AGENCY = "@agency"
"""Of whom a sign-on is told that names no account: none is called so."""
ANSWERS = 20
"""So many answers of a sign-on that anybody could have made up are looked at within a minute, from
one address: strangers neither fill the acts nor make us ask the provider again and again."""
STRANGERS = 20
"""Passwords that may be wrong within a minute, from one address and browsers that are not known."""
CODES, WITHIN_S = 10, 3600.0
"""Codes of the second factor that may be wrong within an hour, for who knows the password."""
log = logging.getLogger(__name__)


def code_attempts() -> Attempts:
    """For `Entrance.codes`."""
    return Attempts(what="codes", most=CODES, within_s=WITHIN_S)


def answers() -> Attempts:
    """For `Entrance.answers`."""
    return Attempts(what="sign-ons", most=ANSWERS, failed_by=(SignOnRefused,))


def strangers() -> Attempts:
    """For `Entrance.strangers`."""
    return Attempts(most=STRANGERS)


@dataclass(frozen=True)
class Entrance:
    """`attempts` are counted by account; those of a browser that is known, by themselves. `codes`:
    those of the second factor, of which three in a million are good at any time."""

    engine: Engine
    attempts: Attempts
    codes: Attempts
    factor: SecondFactor
    provider: Provider | None = None
    """An agency's own sign-on, where one is configured."""
    answers: Attempts = field(default_factory=answers)
    strangers: Attempts = field(default_factory=strangers)
    """Failed passwords by address, whatever the account."""
    places: Places = field(default_factory=Places)
    """Where passwords are tried."""
    sign_ons: Places = field(default_factory=Places)
    """Where an agency's sign-on is asked."""

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
            tokens.unchanged(connection, account)
            return tokens.begin(connection, account, role)

    def agency(self, secret: str, told: Mapping[str, str], *, address: str) -> Account:
        """Whose account it is that an agency's sign-on let in, by its answer to the question of
        that secret. Raises `SignOnRefused`, `SignOnAway`, `TooMany` or `NotEnabled`."""
        if self.provider is None:
            raise NotEnabled("no sign-on of an agency is configured")
        try:
            with (
                self.answers.attempt(address),
                self.sign_ons.take(network(address), known=False),
            ):
                identity = self.provider.identity(Question.of(secret), told)
        except SignOnRefused as error:
            payload = {"from": address, "why": error.why, "detail": str(error)}
            with self.engine.begin() as connection:
                work = Work(connection, By.program("sign-in"))
                work.act(SIGN_IN, AGENCY, "sign-on refused", payload)
            raise
        with self.engine.begin() as connection:
            account, why = _bound(connection, identity)
            payload = {**identity.model_dump(), "from": address, "why": why}
            work = Work(connection, By.program("sign-in"))
            name = AGENCY if account is None else account.name
            work.act(SIGN_IN, name, "sign-on refused" if why else "signed on", payload)
        if account is None or why:
            raise SignOnRefused(why, f"{identity.subject} of {identity.issuer}: {why}", identity)
        return account

    @contextmanager
    def signed_in(self, account: str) -> Iterator[None]:
        """One try of a password by who is signed in; `account`: under which it is counted."""
        with self.attempts.attempt(account), self.places.take(account, known=True):
            yield

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
            with ExitStack() as tried:
                tried.enter_context(attempts.attempt(f"{name} {mine}" if mine else name))
                if what == "password":
                    tried.enter_context(self._place(name if mine else "", network(address)))
                yield
        except (Unauthorized, WrongCode):
            with self.engine.begin() as connection:
                self._failed(connection, name, what, address)
            raise

    @contextmanager
    def _place(self, known: str, address: str) -> Iterator[None]:
        """A place to try a password; `known`: the account that this browser is known of."""
        with ExitStack() as tried:
            if address and not known:
                tried.enter_context(self.strangers.attempt(address))
            tried.enter_context(self.places.take(known or address, known=bool(known)))
            yield

    def _failed(self, connection: Connection, name: str, what: str, address: str) -> None:
        """What no account is called may be a password in the wrong field: it is kept nowhere."""
        if ACCOUNT.load(connection, name) is None:
            log.info("a sign-in failed from %s, for a name that no account has", address)
            return
        work = Work(connection, By.program("sign-in"))
        work.act(SIGN_IN, name, f"{what} failed", {"from": address})


def _bound(connection: Connection, identity: Identity) -> tuple[Account | None, str]:
    """The account, and why nobody is let in as it."""
    try:
        account = identities.whose(connection, identity)
    except NotFound:
        return None, "unbound"
    return account, "" if account.state == "active" else "disabled"
