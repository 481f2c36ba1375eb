"""Sessions of people: which are open, where each was last seen from, and how they are ended."""

import threading
import time
from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects.postgresql import insert

from central import schema
from central.access.roles import Role
from central.access.tokens import TOKEN, Token, is_session, revoke
from central.errors import NotFound
from central.register.acts import Why, Work

EVERY_S = 60.0
"""How often it is kept that a session was seen."""
_SESSIONS = 10_000


class Session(BaseModel):
    """One that is open. Nothing is known of where it was seen until it asks for a page."""

    id: str
    role: Role
    since: datetime
    until: datetime
    at: datetime | None
    address: str | None
    agent: str | None


def open_ones(connection: Connection, account: str) -> list[Session]:
    """Of one account, the newest first."""
    token, seen = schema.token, schema.seen
    rows = connection.execute(
        select(token.c.id, token.c.role, token.c.created.label("since"), token.c.until)
        .add_columns(seen.c.at, seen.c.address, seen.c.agent)
        .outerjoin(seen, seen.c.token == token.c.id)
        .where(
            token.c.account == account,
            is_session(),
            token.c.revoked.is_(None),
            token.c.until > func.now(),
        )
        .order_by(token.c.created.desc(), token.c.id)
    )
    return [Session.model_validate(dict(row._mapping)) for row in rows]


def end(work: Work, account: str, id_: str, why: Why) -> Token:
    """Raises `NotFound` where it is not a session of that account, or `Conflict` where it ended."""
    token = TOKEN.load(work.connection, id_)
    if token is None or token.account != account or not token.is_session:
        raise NotFound(f"account {account} has no session {id_}")
    return revoke(work, id_, why)


class Presence:
    """Keeps when and where sessions are seen, without a write for each request."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, session: str, address: str, agent: str) -> None:
        """Raises what the database raises."""
        now = time.monotonic()
        with self._lock:
            if now - self._kept.get(session, -EVERY_S) < EVERY_S:
                return
            self._kept[session] = now
            while len(self._kept) > _SESSIONS:
                self._kept.pop(next(iter(self._kept)))
        values = {"at": func.now(), "address": address[:100], "agent": agent[:300]}
        with self._engine.begin() as connection:
            connection.execute(
                insert(schema.seen)
                .values(token=session, **values)
                .on_conflict_do_update(index_elements=["token"], set_=values)
            )
