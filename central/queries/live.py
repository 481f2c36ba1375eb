"""The live stream: one LISTEN connection a process, read once, told to every page.

A notification only wakes us; what is told is read from the tables. So nothing is lost when a
notification is, and a page that comes back with the last event's id is told what it missed.
Events: `marks` (its id is the cursor to resume from), `order`, `gateways`, `refusals`, `evidence`,
`database`, `hello` to who resumes from nothing, and `reset`: more was missed than is worth
telling, look at the overview again.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg
from pydantic import BaseModel
from sqlalchemy import Connection, Engine, func, select, text

from central import schema
from central.errors import DatabaseUnavailable
from central.queries import gateways, marks, orders, refused
from central.queries.horizon import Horizon
from central.queries.models import Mark
from central.queries.reading import snapshot
from central.register.acts import PLAN_CHANNEL

log = logging.getLogger("central.live")
CHANNELS = ("gjurma_live", PLAN_CHANNEL)
HEARTBEAT_S = 10
"""Between comments on a quiet stream, so that both ends notice a dead connection."""
MARKS_IN_EVENT = 200
LISTED = 50
_CLIENTS = 500
_BACKLOG = 200  # events that a slow client may have waiting before it is sent away
_BATCHES_AT_ONCE = 100
_BATCHES_TO_REPLAY = 2000
_POLL_S = 5.0  # a notification lost with its connection is made good within this time
_SUMMARY_S = 0.4  # orders and gateways are counted at most this often
_RECONNECT_S = 0.5


@dataclass(frozen=True)
class Event:
    """One event as it goes to every client; `id` is None for those that need no resuming."""

    name: str
    data: str
    id: int | None = None
    about: str = ""
    """What it replaces: an event that says the same of it again is not told."""


class Subscriber:
    """One client's queue. It is bounded: a client that cannot follow is sent away to resume."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._open = True

    def put(self, event: Event) -> None:
        if len(self._events) >= _BACKLOG:
            self.close()
        if self._open:
            self._events.append(event)
            self._wake.set()

    def close(self) -> None:
        self._open = False
        self._wake.set()

    async def events(self) -> AsyncIterator[Event]:
        """Until closed; a client that fell behind keeps what was queued out, and resumes."""
        while self._open:
            self._wake.clear()
            while self._open and self._events:
                yield self._events.popleft()
            if self._open:
                await self._wake.wait()


class Live:
    """Follows the register inside `running()`; `subscribe` serves one client."""

    def __init__(self, engine: Engine, url: str) -> None:
        self._engine = engine
        self._url = url
        self._subscribers: set[Subscriber] = set()
        self._horizon: Horizon | None = None
        self._started = asyncio.Event()
        self._here = True
        self._wake_marks = asyncio.Event()
        self._wake_summary = asyncio.Event()
        self._every_order = True
        self._some_orders: set[str] = set()
        self._told: dict[str, str] = {}

    @property
    def cursor(self) -> int:
        """Where a page may go on from that reads the tables now. Raises `DatabaseUnavailable`."""
        if self._horizon is None:
            raise DatabaseUnavailable("the register has not been read yet")
        return self._horizon.low

    @property
    def full(self) -> bool:
        """No more clients are served by this process."""
        return len(self._subscribers) >= _CLIENTS

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow until the block ends; then every stream ends too."""
        works = (self._listen, self._follow, self._summarise)
        tasks = [asyncio.create_task(self._supervised(work)) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for subscriber in set(self._subscribers):
                subscriber.close()

    async def subscribe(self, after: int | None) -> AsyncGenerator[Event, None]:
        """Everything after the event `after`, then whatever comes."""
        subscriber = Subscriber()
        self._subscribers.add(subscriber)  # before the look back: nothing falls between
        try:
            if not self._here:
                yield _database(here=False)
            await self._started.wait()
            if after is None:
                yield Event("hello", "{}", self.cursor)
            else:
                for event in await asyncio.to_thread(self._missed, after, self.cursor):
                    yield event
            async for event in subscriber.events():
                yield event
        finally:
            self._subscribers.discard(subscriber)

    def _missed(self, after: int, low: int) -> Sequence[Event]:
        """What a client that has seen `after` was not told; `low` was told to all before."""
        table = schema.batch
        try:
            with snapshot(self._engine) as connection:
                ids = list(
                    connection.execute(
                        select(table.c.id)
                        .where(table.c.id > after)
                        .order_by(table.c.id)
                        .limit(_BATCHES_TO_REPLAY + 1)
                    ).scalars()
                )
                if len(ids) > _BATCHES_TO_REPLAY:
                    return [Event("reset", "{}")]
                found = marks.changed_by(connection, ids)
                return [*_marks(found, max(after, low)), *_summary(connection, None)]
        except DatabaseUnavailable:
            return [Event("reset", "{}")]

    # --- following ----------------------------------------------------------------------------

    async def _supervised(self, work: Callable[[], Awaitable[None]]) -> None:
        """A fault of ours must not leave a page that looks alive and hears nothing."""
        while True:
            try:
                await work()
            except Exception:
                log.exception("following the register failed; beginning again")
                self._set_here(here=False)
            await asyncio.sleep(_RECONNECT_S)

    async def _listen(self) -> None:
        """Wake the readers at each notification, until the connection is lost."""
        try:
            async with await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, connect_timeout=5, application_name="gjurma-live"
            ) as connection:
                for channel in CHANNELS:
                    await connection.execute(f"LISTEN {channel}".encode())
                self._wake_marks.set()
                async for notification in connection.notifies():
                    self._every_order |= notification.channel == PLAN_CHANNEL
                    self._wake_summary.set()
                    self._wake_marks.set()
        except psycopg.OperationalError:
            self._wake_marks.set()  # the follower finds out whether the database is away

    async def _follow(self) -> None:
        while True:
            more = False
            try:
                if self._horizon is None:
                    self._horizon = await asyncio.to_thread(self._start)
                    self._started.set()
                more = await self._read(self._horizon)
                self._set_here(here=True)
            except DatabaseUnavailable:
                self._set_here(here=False)
                await asyncio.sleep(_RECONNECT_S)
                continue
            if not more:
                await _within(self._wake_marks, _POLL_S)

    def _start(self) -> Horizon:
        """Begin at the newest batch, or below it where one may still be under way."""
        with snapshot(self._engine) as connection:
            newest = connection.execute(select(func.max(schema.batch.c.id))).scalar_one() or 0
            horizon = Horizon(max(0, newest - _BATCHES_AT_ONCE))
            horizon.advance(_unseen(connection, horizon), *_transactions(connection))
        return horizon

    async def _read(self, horizon: Horizon) -> bool:
        """Tell what is new; true when there is more."""
        count, found = await asyncio.to_thread(self._look, horizon)
        for event in _marks(found, horizon.low):
            self._publish(event)
        if found:
            self._some_orders |= {mark.order for mark in found}
            self._wake_summary.set()
        return count == _BATCHES_AT_ONCE

    def _look(self, horizon: Horizon) -> tuple[int, list[Mark]]:
        with snapshot(self._engine) as connection:
            ids = _unseen(connection, horizon)
            found = marks.changed_by(connection, ids)
            # Last, so that a loss of the database in between leaves them unseen.
            horizon.advance(ids, *_transactions(connection), complete=len(ids) < _BATCHES_AT_ONCE)
        return len(ids), found

    async def _summarise(self) -> None:
        """Orders, gateways and refusals: told when they differ from what was told last."""
        while True:
            if not await _within(self._wake_summary, _POLL_S):
                self._every_order = True  # a licence may have ended, a gateway fallen silent
            every, codes = self._every_order, self._some_orders
            self._every_order, self._some_orders = False, set()
            try:
                events = await asyncio.to_thread(self._summaries, None if every else codes)
            except DatabaseUnavailable:
                self._every_order = True
                events = []
            for event in events:
                self._tell(event)
            await asyncio.sleep(_SUMMARY_S)

    def _summaries(self, codes: set[str] | None) -> list[Event]:
        with snapshot(self._engine) as connection:
            return _summary(connection, codes)

    def _tell(self, event: Event) -> None:
        about = event.about or event.name
        if self._told.get(about) != event.data:
            self._told[about] = event.data
            self._publish(event)

    def _publish(self, event: Event) -> None:
        for subscriber in set(self._subscribers):
            subscriber.put(event)

    def _set_here(self, *, here: bool) -> None:
        if here == self._here:
            return
        self._here = here
        if here:
            log.info("the database is back")
        else:
            log.warning("the database is away; pages are told so")
        self._publish(_database(here=here))


def _unseen(connection: Connection, horizon: Horizon) -> list[int]:
    """The smallest ids of batches that were not read yet."""
    table = schema.batch
    return list(
        connection.execute(
            select(table.c.id)
            .where(table.c.id > horizon.low, table.c.id.not_in(horizon.seen))
            .order_by(table.c.id)
            .limit(_BATCHES_AT_ONCE)
        ).scalars()
    )


def _transactions(connection: Connection) -> tuple[int, int]:
    """xmin and xmax of this snapshot."""
    row = connection.execute(
        text(
            "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint"
            " FROM pg_current_snapshot() AS s"
        )
    ).one()
    return row[0], row[1]


def _marks(found: Sequence[Mark], cursor: int) -> list[Event]:
    """Oldest first, in events of a bounded size; only the last one moves the cursor."""
    ordered = sorted(found, key=lambda mark: mark.id)
    chunks = [ordered[i : i + MARKS_IN_EVENT] for i in range(0, len(ordered), MARKS_IN_EVENT)]
    return [
        Event("marks", _json(chunk), cursor if chunk is chunks[-1] else None) for chunk in chunks
    ]


def _summary(connection: Connection, codes: set[str] | None) -> list[Event]:
    """Gateways, refusals, and the orders of these codes; None for all that are shown."""
    shown = (
        orders.listed(connection, LISTED).items
        if codes is None
        else orders.by_codes(connection, codes)
    )
    return [
        Event("gateways", _json(gateways.listed(connection))),
        Event("refusals", _json(refused.refusals(connection, LISTED).items)),
        Event("evidence", _json(refused.evidence(connection, LISTED).items)),
        *(Event("order", _json(order), about=f"order {order.code}") for order in shown),
    ]


def _database(*, here: bool) -> Event:
    return Event("database", json.dumps({"here": here}))


def _json(value: BaseModel | Sequence[BaseModel]) -> str:
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    return "[" + ",".join(each.model_dump_json() for each in value) + "]"


async def _within(wake: asyncio.Event, seconds: float) -> bool:
    """Wait for it, and clear it; false when the time ran out."""
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return False
    wake.clear()
    return True
