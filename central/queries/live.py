"""The live stream: one LISTEN connection a process, read once, told to every page.

A notification only wakes us; what is told is read from the tables. So nothing is lost when a
notification is, and a page that comes back with the last event's id is told what it missed.
Events: `marks` (its id is the cursor to resume from), `order`, `gateways`, `refusals`, `evidence`,
`alerts`, `pace`, `database`, `hello` to who resumes from nothing, and `reset`: more was missed than
is worth telling, look at the overview again.

What is sent in a second is bounded, however much arrives: of thousands of marks a sample is told,
and `sampled` says of how many. The counts (`order`, `pace`) are of all, and are made less often
where counting takes long.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import psycopg
from sqlalchemy import Connection, Engine, func, select, text

from central import schema
from central.errors import DatabaseUnavailable
from central.queries import marks, telling
from central.queries.horizon import Horizon
from central.queries.marks import Changed
from central.queries.pace import Hour, Pace
from central.queries.reading import snapshot
from central.queries.sampling import Sampler
from central.queries.telling import MARKS_IN_EVENT, Event
from central.register.acts import PLAN_CHANNEL
from central.threads import Threads

log = logging.getLogger("central.live")
CHANNELS = ("gjurma_live", PLAN_CHANNEL)
HEARTBEAT_S = 10
"""Between comments on a quiet stream, so that both ends notice a dead connection."""
_CLIENTS = 500
_BACKLOG = 200  # events that a slow client may have waiting before it is sent away
_BATCHES_AT_ONCE = 100
_BATCHES_TO_REPLAY = 2000
_POLL_S = 5.0  # a notification lost with its connection is made good within this time
_SUMMARY_S = 0.4  # orders and gateways are counted at most this often
_PACE_S = 2.0  # the last hour is counted at most this often
_REST = 4  # and that is followed by a rest of so many times as long as it took
_BEAT_S = 0.05  # the tables are looked at for marks at most this often
_MARKS_A_SECOND = 20  # told in the long run; at once, as many as one event holds
_TALLY_S = 0.5
_RECONNECT_S = 0.5


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

    def __init__(self, engine: Engine, url: str, threads: Threads) -> None:
        self._engine = engine
        self._url = url
        self._threads = threads
        self._subscribers: set[Subscriber] = set()
        self._horizon: Horizon | None = None
        self._started = asyncio.Event()
        self._here = True
        self._wake_marks = asyncio.Event()
        self._wake_summary = asyncio.Event()
        self._every_order = True
        self._some_orders: set[str] = set()
        self._told: dict[str, str] = {}
        self._sampler = Sampler(_MARKS_A_SECOND, MARKS_IN_EVENT)
        self._hour = Hour()
        self.pace: Pace | None = None
        """The last hour, as it was counted last; None until it was."""

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
        works = (self._listen, self._follow, self._summarise, self._count, self._own_up)
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
                yield telling.database(here=False)
            await self._started.wait()
            if after is None:
                yield Event("hello", "{}", self.cursor)
            else:
                for event in await self._threads.run(self._missed, after, self.cursor):
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
                found = marks.changed_by(connection, ids, MARKS_IN_EVENT)
                told = telling.marks(found.marks, max(after, low))
                return [
                    *([told] if found.marks else ()),
                    *telling.summary(connection, None),
                    *telling.sampled(len(found.marks), found.of),
                ]
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
            more, began = False, time.monotonic()
            try:
                if self._horizon is None:
                    self._horizon = await self._threads.run(self._start)
                    self._started.set()
                more = await self._read(self._horizon)
                self._set_here(here=True)
            except DatabaseUnavailable:
                self._set_here(here=False)
                await asyncio.sleep(_RECONNECT_S)
                continue
            if not more:
                await _within(self._wake_marks, _POLL_S)
                await asyncio.sleep(_BEAT_S - (time.monotonic() - began))

    def _start(self) -> Horizon:
        """Begin at the newest batch, or below it where one may still be under way."""
        with snapshot(self._engine) as connection:
            newest = connection.execute(select(func.max(schema.batch.c.id))).scalar_one() or 0
            horizon = Horizon(max(0, newest - _BATCHES_AT_ONCE))
            horizon.advance(_unseen(connection, horizon), *_transactions(connection))
        return horizon

    async def _read(self, horizon: Horizon) -> bool:
        """Tell what is new; true when there is more."""
        room = self._sampler.room()
        count, found = await self._threads.run(self._look, horizon, room)
        if found.marks:
            self._publish(telling.marks(found.marks, horizon.low))
        if found.of:
            self._sampler.told(len(found.marks), found.of)
            self._some_orders |= found.orders
            self._wake_summary.set()
        return count == _BATCHES_AT_ONCE

    def _look(self, horizon: Horizon, room: int) -> tuple[int, Changed]:
        with snapshot(self._engine) as connection:
            ids = _unseen(connection, horizon)
            found = marks.changed_by(connection, ids, room)
            # Last, so that a loss of the database in between leaves them unseen.
            horizon.advance(ids, *_transactions(connection), complete=len(ids) < _BATCHES_AT_ONCE)
        return len(ids), found

    async def _own_up(self) -> None:
        """Say of how many marks those were a sample that were told."""
        while True:
            await asyncio.sleep(_TALLY_S)
            for event in telling.sampled(*self._sampler.tally()):
                self._publish(event)

    async def _count(self) -> None:
        """The pace of the last hour."""
        while True:
            began = time.monotonic()
            try:
                self.pace = await self._threads.run(self._count_hour)
                self._tell(telling.pace(self.pace))
            except DatabaseUnavailable:
                pass  # the follower says so
            await asyncio.sleep(max(_PACE_S, _REST * (time.monotonic() - began)))

    def _count_hour(self) -> Pace:
        with snapshot(self._engine) as connection:
            return self._hour.look(connection)

    async def _summarise(self) -> None:
        """Orders, gateways and refusals: told when they differ from what was told last."""
        while True:
            if not await _within(self._wake_summary, _POLL_S):
                self._every_order = True  # a licence may have ended, a gateway fallen silent
            began = time.monotonic()
            every, codes = self._every_order, self._some_orders
            self._every_order, self._some_orders = False, set()
            try:
                events = await self._threads.run(self._summaries, None if every else codes)
            except DatabaseUnavailable:
                self._every_order = True
                events = []
            for event in events:
                self._tell(event)
            await asyncio.sleep(max(_SUMMARY_S, time.monotonic() - began))

    def _summaries(self, codes: set[str] | None) -> list[Event]:
        with snapshot(self._engine) as connection:
            return telling.summary(connection, codes)

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
        self._publish(telling.database(here=here))


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


async def _within(wake: asyncio.Event, seconds: float) -> bool:
    """Wait for it, and clear it; false when the time ran out."""
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return False
    wake.clear()
    return True
