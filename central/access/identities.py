"""Identities of an agency's sign-on, each bound to one account by an administrator."""

from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection, select

from central import schema
from central.access.accounts import ACCOUNT, Account, Identity
from central.access.tokens import end_sessions
from central.errors import NotFound
from central.register.acts import Why, Work
from central.register.asked import WithReason

Issuer = Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s]+$")]
Subject = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f]+$")]


class NamedIdentity(WithReason):
    """`subject` is what `issuer` calls them, to the letter: `sub` of its ID tokens."""

    issuer: Issuer
    subject: Subject

    @property
    def identity(self) -> Identity:
        return Identity(issuer=self.issuer, subject=self.subject)


def bind(work: Work, name: str, identity: Identity, why: Why) -> Account:
    """From now on whoever it is signs in as this account.

    Raises `NotFound`, or `Conflict` where it is bound already.
    """
    payload = identity.model_dump()
    return work.act(ACCOUNT, name, "identity bound", payload, why=why, expects=True)


def unbind(work: Work, name: str, identity: Identity, why: Why) -> Account:
    """The account's sessions end. Raises `NotFound`, also where it is not bound to it."""
    payload = identity.model_dump()
    account = work.act(ACCOUNT, name, "identity unbound", payload, why=why, expects=True)
    end_sessions(work, name, why)
    return account


def whose(connection: Connection, identity: Identity) -> Account:
    """Raises `NotFound` where it is bound to none."""
    table = schema.identity
    name = connection.execute(
        select(table.c.account).where(
            table.c.issuer == identity.issuer, table.c.subject == identity.subject
        )
    ).scalar_one_or_none()
    if name is None:
        raise NotFound("no account is bound to this identity")
    return ACCOUNT.require(connection, name)
