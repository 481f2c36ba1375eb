"""Tokens: each one account's in one of its roles, told once, until it ends or is revoked."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Connection, and_, select

from central import schema
from central.access import half, passwords
from central.access.accounts import ACCOUNT, Account, AccountName
from central.access.roles import RIGHTS, Right, Role, Scope, without
from central.errors import Conflict, Forbidden, Refused, Unauthorized
from central.register.acts import Act, By, Why, Work
from central.register.asked import Asked, Name
from central.register.subject import Row, Subject, held, new
from central.register.times import Moment
from central.said import said

SESSION = timedelta(hours=12)
LONGEST = timedelta(days=366)
IN_SESSION = "session"
"""The purpose of tokens that somebody got by signing in; none is issued for it."""
_LASTS = SESSION + timedelta(hours=1)
"""No session lasts longer, however our clocks differ. Of tokens that were issued for that purpose
while none was refused, which last up to a year, it tells them apart."""
PASSWORD_CHANGED = Why("the password was changed")
"""Why what was signed in by the former one is good for nothing."""


class NewToken(Asked):
    """`purpose` is what it is for, in words."""

    account: AccountName
    role: Role
    purpose: Name
    until: Moment


class NewSession(Asked):
    """Signing in by password; the role may be left out where the account has one only, the code of
    the second factor where it has none."""

    account: AccountName
    password: Annotated[str, Field(max_length=200)]
    role: Role | None = None
    code: Annotated[str, Field(max_length=40)] | None = None


class Token(Row):
    """A token as the register holds it; what it is told by is not kept."""

    id: str
    account: str
    role: Role
    purpose: str
    until: datetime
    revoked: datetime | None
    created: datetime

    @property
    def is_session(self) -> bool:
        """Whether somebody got it by signing in."""
        return self.purpose == IN_SESSION and self.until - self.created <= _LASTS


class Issued(BaseModel):
    """`token` is told once: `Authorization: Bearer <token>`."""

    id: str
    token: str
    account: str
    role: Role
    until: datetime


def apply(state: Token | None, act: Act) -> Token:
    """`issued`, then `revoked`. Raises `Conflict` or `NotFound`."""
    if act.what == "issued":
        new("token", state, act)
        return Token.of(act, id=act.key, revoked=None, created=act.at)
    token = held("token", state, act)
    if token.revoked is not None:
        raise Conflict(said("token {token} is revoked already", token=act.key))
    return token.model_copy(update={"revoked": act.at, "version": act.id})


TOKEN = Subject("token", schema.token, Token, apply, key=("id",))


def issue(work: Work, asked: NewToken) -> Issued:
    """Raises `NotFound`, or `Refused` where the account has not that role or it lasts too long, or
    where it would be taken for a session."""
    if asked.purpose.strip().casefold() == IN_SESSION:
        raise Refused(f"purpose: a {IN_SESSION} begins by signing in")
    return _issue(work, asked)


def _issue(work: Work, asked: NewToken) -> Issued:
    account = ACCOUNT.require(work.connection, asked.account)
    if asked.role not in account.roles:
        raise Refused(f"account {asked.account} is not {asked.role}")
    now = datetime.now(UTC)
    if not now < asked.until <= now + LONGEST:
        raise Refused(f"until: within {LONGEST.days} days from now")
    secret = passwords.fresh_secret()
    id_ = secrets.token_hex(6)
    token = work.act(TOKEN, id_, "issued", asked.model_dump(mode="json"))
    passwords.keep_secret(work.connection, "token", id_, secret)
    return Issued(id=id_, token=secret, account=token.account, role=token.role, until=token.until)


def known(connection: Connection, name: str, password: str) -> Account:
    """Whose password it is. Raises `Unauthorized`: one answer for every fault."""
    right = passwords.password_is(connection, name, password)
    account = ACCOUNT.load(connection, name)
    if not right or account is None or account.state != "active":
        raise Unauthorized("no account has this name and password")
    return account


def unchanged(connection: Connection, account: Account) -> None:
    """Until the transaction ends nobody changes the account. Raises `Unauthorized` where somebody
    has since it was proved to be theirs: what proved it may not be good any more."""
    now = ACCOUNT.load(connection, account.name, lock=True)
    if now is None or now.version != account.version:
        raise Unauthorized(said("the account was changed while somebody signed in"))


def begin(connection: Connection, account: Account, role: Role) -> Issued:
    """A session of who has proved to be that account. Raises `Refused` where it is not `role`."""
    work = Work(connection, By(account.name, role, account.entity))
    until = datetime.now(UTC) + SESSION
    return _issue(work, NewToken(account=account.name, role=role, purpose=IN_SESSION, until=until))


def revoke(work: Work, id_: str, why: Why) -> Token:
    """Raises `NotFound` or `Conflict`."""
    token = work.act(TOKEN, id_, "revoked", why=why, expects=True)
    passwords.forget(work.connection, "token", id_)
    return token


def end_sessions(work: Work, account: str, why: Why, *, but: str = "") -> int:
    """End all that the account is signed in by, and return how many they were. Who is half signed
    in has proved what may not be good any more: that ends too.

    `but`: the token of the session in which its owner asks for it.
    """
    half.end_all(work.connection, account)
    table = schema.token
    ids = work.connection.execute(
        select(table.c.id)
        .where(
            table.c.account == account,
            table.c.id != but,
            is_session(),
            table.c.revoked.is_(None),
            table.c.until > datetime.now(UTC),
        )
        .order_by(table.c.id)
    ).scalars()
    ended = ids.all()
    for id_ in ended:
        revoke(work, id_, why)
    return len(ended)


def is_session() -> ColumnElement[bool]:
    """Of a row of tokens, as `Token.is_session`."""
    table = schema.token
    return and_(table.c.purpose == IN_SESSION, table.c.until - table.c.created <= _LASTS)


@dataclass(frozen=True)
class Bearer:
    """Whom a token is."""

    account: str
    role: Role
    entity: str | None
    token: str = ""
    """Its id."""
    person: str = ""
    roles: tuple[Role, ...] = ()
    """All that the account has; `role` is the one that it acts in."""
    in_session: bool = False
    """Whether they signed in, and were not issued a token."""

    def by(self, right: Right) -> By:
        """As whom it acts under a right. Raises `Forbidden` where the role has not got it."""
        scope = RIGHTS[right].get(self.role)
        if scope is None:
            raise Forbidden(without(self.role, right))
        if scope is Scope.OWN and self.entity is None:
            raise Forbidden(said("{account} acts for no entity", account=self.account))
        return By(self.account, self.role, self.entity if scope is Scope.OWN else None)


def bearer(connection: Connection, secret: str, *, in_session: bool = False) -> Bearer:
    """Raises `Unauthorized`: unknown, ended or revoked, or its account is not that any more.

    `in_session`: only one that somebody got by signing in is good.
    """
    token, credential = schema.token, schema.credential
    row = connection.execute(
        _ALL.join(credential, credential.c.owner == token.c.id).where(
            credential.c.kind == "token", credential.c.hash == passwords.fingerprint(secret)
        )
    ).one_or_none()
    if row is None or not _good(row) or (in_session and not row.in_session):
        raise Unauthorized(said("the token is unknown, has ended, or its account has not the role"))
    roles = tuple(map(Role, row.roles))
    return Bearer(
        *(row.name, Role(row.role), row.entity, row.id, row.person, roles),
        in_session=row.in_session,
    )


def stands(connection: Connection, id_: str) -> bool:
    """Whether a token that was good still is."""
    row = connection.execute(_ALL.where(schema.token.c.id == id_)).one_or_none()
    return row is not None and _good(row)


_ALL = select(
    *(schema.token.c[name] for name in ("id", "role", "until", "revoked")),
    is_session().label("in_session"),
    schema.account,
).join(schema.token, schema.token.c.account == schema.account.c.name)


def _good(row: Any) -> bool:
    return bool(
        row.revoked is None
        and row.until > datetime.now(UTC)
        and row.state == "active"
        and row.role in row.roles
    )
