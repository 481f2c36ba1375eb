"""Acts: what somebody did to a subject of the register, append-only, and the one way to do it.

    work = Work(connection, By("arben.hoxha", "registry-officer"))
    licence = work.act(LICENCE, "L-1", "suspended", why=Why(reason="inspection 12"))

The act is kept first, the state follows from it by the subject's projection, in one transaction.
`gjurma-central rebuild` runs the same projections over all acts from the first one on.
"""

import getpass
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from pydantic_core import to_jsonable_python
from sqlalchemy import Connection, func, insert, select

from central import schema
from central.register import second

PLAN_CHANNEL = "gjurma_plan"
LAST = 0x61637473
"""The advisory lock of who adds an act: ids are then in the order of the commits."""
CARRIED_OVER = "carried over"
"""What a subject consisted of when acts began to say everything; the first of each subject's."""
_PROGRAMS = frozenset({"program", "command"})
"""The roles of who is no person: what they do follows from what persons did."""

State = TypeVar("State", covariant=True)


@dataclass(frozen=True)
class By:
    """Who acts: an account in one of its roles, and the entity that it acts for, if only one.

    `second`: the account of who confirmed it, where it was proposed.
    """

    account: str
    role: str
    entity: str | None = None
    second: str = ""

    @classmethod
    def program(cls, name: str) -> "By":
        """A program of our own, which acts by what it was told or by the clock."""
        return cls(name, "program")

    @classmethod
    def command(cls) -> "By":
        """Who runs a command on the register's own machine."""
        return cls(getpass.getuser(), "command")


@dataclass(frozen=True)
class Why:
    """The reason in words, and the legal basis or the document that it stands on."""

    reason: str = ""
    basis: str = ""


@dataclass(frozen=True)
class Act:
    """One act as it is kept. `payload` is JSON: all of the subject's state that the act sets."""

    id: int
    at: datetime
    subject: str
    key: str
    what: str
    payload: Mapping[str, Any]
    reason: str


class Projection(Protocol[State]):
    """How a subject's state follows from its acts. It reads nothing that batches write."""

    @property
    def name(self) -> str:
        """The subject."""

    def lock(self, connection: Connection, key: str, expected: frozenset[int]) -> None:
        """Until the transaction ends nobody else acts on it; raises `Stale` unless the version
        is among `expected`, where any is."""

    def project(self, connection: Connection, act: Act) -> State:
        """Carry it out on the tables. Raises `Conflict` where the state does not allow it."""


@dataclass(frozen=True)
class Work:
    """One transaction of somebody's: what is done in it is done together, or not at all.

    `expected` are the versions that its first subject may have, as the caller knows it.
    """

    connection: Connection
    by: By
    expected: frozenset[int] = frozenset()

    def act(
        self,
        subject: Projection[State],
        key: str,
        what: str,
        payload: Mapping[str, Any] | None = None,
        *,
        why: Why = Why(),
        gateways: Iterable[str] = (),
        expects: bool = False,
    ) -> State:
        """Keep it and carry it out. Once committed, the plans of `gateways` are compiled anew.

        `expects`: this is the subject whose version the caller knows.
        """
        if second.is_needed(subject.name, what, payload or {}) and not self._by_two():
            raise AssertionError(f"{subject.name} {key}: nobody alone does what is {what}")
        subject.lock(self.connection, key, self.expected if expects else frozenset())
        self.connection.execute(select(func.pg_advisory_xact_lock(LAST)))
        values = {
            "subject": subject.name,
            "key": key,
            "what": what,
            "payload": to_jsonable_python(payload or {}),
            "reason": why.reason,
        }
        row = self.connection.execute(
            insert(schema.act)
            .values(
                **values,
                # Under the lock: times are in the order of the ids, as long as the clock is.
                at=func.clock_timestamp(),
                account=self.by.account,
                role=self.by.role,
                second=self.by.second,
                basis=why.basis,
            )
            .returning(schema.act.c.id, schema.act.c.at)
        ).one()
        state = subject.project(self.connection, Act(row.id, row.at, **values))
        self._tell(subject.name, key, gateways)
        return state

    def _by_two(self) -> bool:
        return bool(self.by.second) or self.by.role in _PROGRAMS

    def _tell(self, subject: str, key: str, gateways: Iterable[str]) -> None:
        told = {"subject": subject, "key": key}
        for payload in [told | {"gateway": gateway} for gateway in gateways] or [told]:
            text = json.dumps(payload, separators=(",", ":"))
            self.connection.execute(select(func.pg_notify(PLAN_CHANNEL, text)))
