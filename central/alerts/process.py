"""The watch: looks at each act and each batch once, and at the clock, and raises what it finds.

An alert and whom to tell of it are committed together, up to where was looked with the last of
them; word goes out after that. Ended in between, it looks again and finds the same alerts there.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import insert

from central import db, schema
from central.alerts import look, outbox, rules
from central.alerts.facts import Backlog, FailedLook, Limits, Looked
from central.alerts.outbox import Address
from central.alerts.sending import Sender
from central.config import Config
from central.errors import Conflict
from central.following import ensure_alone, follow
from central.queries.horizon import Horizon
from central.queries.reading import snapshot
from central.register.acts import PLAN_CHANNEL, By, Work
from central.register.alerts import service
from central.register.alerts.models import Finding, RuleCode
from gateway.contract.signed import SigningKey

log = logging.getLogger("central.alerts")
CHANNELS = (PLAN_CHANNEL, "gjurma_live")
ONLY_ONE = 0x77617463  # the advisory lock of the one watch
WAIT_S = 0.5
PAUSE_S = 0.1
EVERY_S = 5.0
"""How often the clock is looked at, told or not."""
ACTS_AT_ONCE = 200
BATCHES_AT_ONCE = 100
RAISED_AT_ONCE = 50
"""In one transaction: acts of others wait for it."""


class Watch:
    """Runs until `stop`. A second one waits until the first is gone."""

    def __init__(self, config: Config, key: SigningKey) -> None:
        alerts = config.alerts
        self._config = config
        self._engine = db.make_engine(config)
        self._limits = Limits(
            fastest_km_h=alerts.fastest_km_h,
            least_seconds_a_number=alerts.least_seconds_a_number,
            gateway_silent_minutes=alerts.gateway_silent_minutes,
            clock_off_seconds=alerts.clock_off_seconds,
        )
        self._sender = Sender(config, self._engine, key)
        self._stopping = threading.Event()
        self._ensure_alone: Callable[[], None] = lambda: None
        """Raises where another watch may be at work by now."""
        self._horizon = Horizon(0)
        self._act = 0
        self._marked: set[str] | None = None
        """Orders that were marked for since their balance was counted; None: all."""
        self._told_of: set[str] | None = None
        """Lots of which was told since; None: all."""
        self._behind_since: dict[str, datetime] = {}
        """When each gateway was first seen with records that wait, since it last had none."""
        self._failed: dict[RuleCode, str] = {}
        """By look that failed last, its fault."""
        self._clock_at = self._balance_at = 0.0
        self._since = datetime.now(UTC)

    def stop(self) -> None:
        self._stopping.set()

    def close(self) -> None:
        """Give the connections to the database back."""
        self._engine.dispose()

    def run(self) -> None:
        """Work until `stop`, through losses of the database."""
        sending = threading.Thread(target=self._sender.run, name="sending")
        sending.start()
        try:
            follow(
                self._config,
                self._follow,
                only_one=ONLY_ONE,
                channels=CHANNELS,
                stopping=self._stopping,
                log=log,
                meanwhile="nothing is looked at",
            )
        finally:
            self._sender.stop()
            sending.join()
            self.close()

    def _follow(self, listener: psycopg.Connection[Any]) -> None:
        self._ensure_alone = partial(ensure_alone, listener)
        self.begin()
        while not self._stopping.is_set():
            self.catch_up()
            # Taken to the end: leaving early would lose what came in the same packet.
            for _ in listener.notifies(timeout=WAIT_S, stop_after=1):
                pass
            # A line at full speed is looked at some batches at a time.
            self._stopping.wait(PAUSE_S)

    def catch_up(self) -> None:
        """Judge everything that is new since the last call, and what the clock brought."""
        while self._look() and not self._stopping.is_set():
            self._look_at_the_clock()  # however long it takes to catch up
        self._look_at_the_clock()

    def begin(self) -> None:
        """Read the position that the last run committed."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(schema.watched)).all()
        positions = {row.source: row.position for row in rows}
        self._act = positions.get("act", 0)
        self._horizon = Horizon(positions.get("batch", 0))

    # --- by act and by batch ------------------------------------------------------------------

    def _look(self) -> bool:
        """At what is new; true when there is more. One act or batch that cannot be looked at is
        passed over, and holds up no other."""
        try:
            return self._look_at(ACTS_AT_ONCE, BATCHES_AT_ONCE)
        except Exception as error:
            if db.may_pass(error):
                raise
        for acts, batches in ((1, 0), (0, 1)):
            try:
                self._look_at(acts, batches)
            except Exception as error:
                if db.may_pass(error):
                    raise
                self._look_at(acts, batches, fault=error)
        return True

    def _look_at(self, acts: int, most: int, *, fault: Exception | None = None) -> bool:
        """At so many new acts and batches; true when there may be more. `fault`: why they cannot
        be looked at; they are passed over."""
        with snapshot(self._engine) as connection:
            act = self._acts_to(connection, acts)
            batches = self._unseen(connection, most)
            looked: list[Looked] = []
            marked: set[str] = set()
            told_of: set[str] = set()
            if fault is not None:
                what = f"batch {batches[0]}" if batches else f"act {act}"
                looked.append(FailedLook(what, db.described(fault), datetime.now(UTC).date()))
            else:
                judged = [*batches, *look.judged_again(connection, self._act, act)]
                looked = [
                    *look.told(connection, self._act, act),
                    *look.received(connection, self._act, act),
                    *look.missing(connection, self._act, act),
                    *look.refused_scans(connection, self._act, act),
                    *look.unjudged(connection, self._act, act),
                    *look.refused(connection, judged),
                    *look.used_up(connection, batches),
                    *look.clocks(connection, batches),
                ]
                marked = look.marked(connection, judged)
                told_of = look.lots_of(connection, self._act, act)
            ends = connection.execute(_TRANSACTIONS).one()
        if not batches and act == self._act:
            return False
        if fault is not None:
            log.error("%s cannot be looked at, and raises no alert", what, exc_info=fault)
        complete = len(batches) < most
        horizon = deepcopy(self._horizon)
        horizon.advance(batches, *ends, complete=complete)
        positions = {"act": act, "batch": horizon.low}
        self._raise(rules.judge(looked, self._limits), positions)
        more = not complete or act == self._act + acts
        self._act, self._horizon = act, horizon
        if self._marked is not None:
            self._marked |= marked
        if self._told_of is not None:
            self._told_of |= told_of
        return more

    def _acts_to(self, connection: Connection, most: int) -> int:
        """Acts are committed in the order of their ids."""
        newest = connection.execute(select(func.max(schema.act.c.id))).scalar_one() or 0
        return max(self._act, min(newest, self._act + most))

    def _unseen(self, connection: Connection, most: int) -> list[int]:
        table, horizon = schema.batch, self._horizon
        return list(
            connection.execute(
                select(table.c.id)
                .where(table.c.id > horizon.low, table.c.id.not_in(horizon.seen))
                .order_by(table.c.id)
                .limit(most)
            ).scalars()
        )

    # --- by the clock -------------------------------------------------------------------------

    def _look_at_the_clock(self) -> None:
        monotonic = time.monotonic()
        if monotonic < self._clock_at:
            return
        self._clock_at = monotonic + EVERY_S
        counts = monotonic >= self._balance_at
        now = datetime.now(UTC)
        with snapshot(self._engine) as connection:
            looks: dict[RuleCode, Callable[[], Iterable[Looked]]] = {
                "gateway-silent": lambda: look.heard(connection, self._since, now),
                "gateway-behind": lambda: self._backlogs(connection, now),
                "gateway-latched": lambda: look.latched(connection),
                "journal-forked": lambda: look.forked(connection),
                "not-stored": lambda: look.not_stored(connection, now),
                "register-older": lambda: look.older(connection),
                "claims-more": lambda: look.claimed(connection),
                "overdue": lambda: look.overdue(connection, now),
                "count-overdue": lambda: look.overdue_counts(connection, now),
            }
            if counts:
                looks["balance-open"] = lambda: self._balances(connection)
            findings: list[Finding] = []
            for rule, looked in looks.items():
                findings += self._try(connection, rule, looked, now)
        self._raise(findings, {})
        if counts:
            self._balance_at = monotonic + 60 * self._config.alerts.balance_every_minutes
            if "balance-open" not in self._failed:
                self._marked, self._told_of = set(), set()
        self._escalate(now)

    def _try(
        self,
        connection: Connection,
        rule: RuleCode,
        looked: Callable[[], Iterable[Looked]],
        now: datetime,
    ) -> list[Finding]:
        """What one look finds; a fault of it is a finding, and holds up no other look."""
        try:
            with connection.begin_nested():
                findings = rules.judge(looked(), self._limits)
        except Exception as error:
            if db.may_pass(error):
                raise
            fault = db.described(error)
            if self._failed.get(rule) != fault:
                log.exception("cannot look for %s; the other looks go on", rule)
            self._failed[rule] = fault
            return rules.judge([FailedLook(rule, fault, now.date())], self._limits)
        self._failed.pop(rule, None)
        return findings

    def _backlogs(self, connection: Connection, now: datetime) -> Iterator[Backlog]:
        """Of the gateways that are heard from and have not caught up."""
        waiting = look.behind(connection)
        former = self._behind_since
        self._behind_since = {gateway: former.get(gateway, now) for gateway in waiting}
        for gateway, records in waiting.items():
            yield Backlog(gateway, records, self._behind_since[gateway], now)

    def _balances(self, connection: Connection) -> Iterator[Looked]:
        """Of the orders and lots of which something was heard since they were counted last."""
        orders = None if self._marked is None else sorted(self._marked)
        lots = None if self._told_of is None else sorted(self._told_of)
        if orders != []:
            yield from look.counted(connection, orders)
        if orders != [] or lots != []:
            yield from look.counted_lots(connection, lots, orders or [])

    def _escalate(self, now: datetime) -> None:
        """To each further circle whose time has come while nobody has acknowledged."""
        table = schema.alert
        for level, circle in enumerate(self._config.alerts.escalation):
            wait = timedelta(minutes=circle.after_minutes)
            with self._engine.connect() as connection:
                unheeded = connection.execute(
                    select(table.c.number).where(
                        table.c.state.in_(("raised", "escalated")),
                        table.c.raised <= now - wait,
                        table.c.escalations == level,
                    )
                ).scalars()
                numbers = list(unheeded)
            for number in numbers:
                self._escalate_one(number, level, circle.after_minutes, circle.to)

    def _escalate_one(self, number: str, level: int, minutes: float, to: Iterable[str]) -> None:
        try:
            with self._engine.begin() as connection:
                work = Work(connection, By.program("watch"))
                service.escalate(work, number, f"{minutes:g} minutes")
                self._enter(connection, number, f"escalated-{level + 1}", to)
                self._ensure_alone()
        except Conflict:
            return  # somebody has acknowledged it meanwhile
        self._sender.wake()

    # --- raising ------------------------------------------------------------------------------

    def _raise(self, findings: list[Finding], positions: dict[str, int]) -> None:
        """All of it, and with the last of it up to where was looked."""
        while len(findings) > RAISED_AT_ONCE:
            self._raise_some(findings[:RAISED_AT_ONCE], {})
            findings = findings[RAISED_AT_ONCE:]
        if findings or positions:
            self._raise_some(findings, positions)

    def _raise_some(self, findings: list[Finding], positions: dict[str, int]) -> None:
        """In one transaction."""
        raised = []
        with self._engine.begin() as connection:
            work = Work(connection, By.program("watch"))
            for finding in findings:
                alert = service.raise_one(work, finding)
                if alert is not None:
                    raised.append(alert.number)
                    self._enter(connection, alert.number, "raised", self._everybody())
            for source, position in positions.items():
                statement = insert(schema.watched).values(source=source, position=position)
                connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=["source"], set_={"position": position}
                    )
                )
            self._ensure_alone()
        for number in raised:
            log.warning("raised: %s", number)
        if raised:
            self._sender.wake()

    def _everybody(self) -> tuple[str, ...]:
        mail = self._config.alerts.mail
        return () if mail is None else mail.to

    def _enter(self, connection: Connection, number: str, occasion: str, to: Iterable[str]) -> None:
        addresses: list[Address] = [("mail", address) for address in to]
        addresses += [("webhook", hook.name) for hook in self._config.alerts.webhook]
        outbox.enter(connection, number, occasion, addresses, datetime.now(UTC))


_TRANSACTIONS = text(
    "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint"
    " FROM pg_current_snapshot() AS s"
)
