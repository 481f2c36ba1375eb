"""Listens to the register and keeps each gateway's retained plan right."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
from paho.mqtt.client import Client
from sqlalchemy import select, text

from central import db, keys, mqtt, schema
from central.config import Config
from central.errors import RegisterOlder
from central.following import ensure_alone, follow
from central.plan.issuing import InDatabase, Issuing
from central.plan.store import latest_signed, renew
from central.register.acts import PLAN_CHANNEL, By, Work
from central.register.incarnation import WHAT_TO_RUN, older, prove_older
from central.register.numbers.guard import Guard, GuardFile
from gateway.contract.plan import CentralKey
from gateway.contract.signed import SigningKey
from gateway.contract.topics import topic

log = logging.getLogger("central.plan")
CHANNELS = (PLAN_CHANNEL, "gjurma_live")
ONLY_ONE = 0x706C616E  # the advisory lock of the one plan process
WAIT_S = 0.5
EVERY_S = 20.0
"""How often everything is looked at, told or not: leases run out without an act."""

_SHARERS = text(
    "SELECT DISTINCT theirs.gateway FROM order_gateway mine"
    " JOIN orders o ON o.code = mine.order_code"
    " JOIN order_gateway theirs ON theirs.order_code = o.code"
    " WHERE mine.gateway = ANY(:told) AND theirs.gateway <> mine.gateway"
    " AND (jsonb_array_length(o.components) > 1 OR o.verify->>'mode' = 'elsewhere')"
)


class PlanProcess:
    """Runs until `stop`. A second one waits until the first is gone."""

    def __init__(self, config: Config, key: SigningKey) -> None:
        self._config = config
        self._key = key
        self._keys: tuple[CentralKey, ...] = keys.load_public(config.keys.dir)
        self._engine = db.make_engine(config)
        self._issuing = Issuing(Guard(GuardFile(config.plan.guard)))
        self._failing: set[str] = set()
        self._held = False
        """An undeclared restore is proved."""
        self._again: dict[str, float] = {}
        """When to look at a gateway again, untold: by the monotonic clock."""
        self._stopping = threading.Event()
        self._ensure_alone: Callable[[], None] = lambda: None
        """Raises where another plan process may be at work by now."""
        self._republish = threading.Event()
        self._client = mqtt.make_client(config.broker, log, self._up)

    def stop(self) -> None:
        self._stopping.set()

    def close(self) -> None:
        """Give the connections to the database back."""
        self._engine.dispose()

    def run(self) -> None:
        """Work until `stop`, through losses of the database and of the broker."""
        mqtt.start(self._client, self._config.broker)
        try:
            follow(
                self._config,
                self._follow,
                only_one=ONLY_ONE,
                channels=CHANNELS,
                stopping=self._stopping,
                log=log,
                meanwhile="plans stand as they are",
            )
        finally:
            mqtt.stop(self._client)
            self.close()

    def _up(self, _client: Client) -> None:
        # A broker without persistence has forgotten what was retained.
        self._republish.set()

    def _follow(self, listener: psycopg.Connection[Any]) -> None:
        self._ensure_alone = partial(ensure_alone, listener)
        everything_at = 0.0
        changed: set[str] = set()
        while not self._stopping.is_set():
            monotonic = time.monotonic()
            if self._republish.is_set():
                self._republish.clear()
                self._publish_all()
            if monotonic >= everything_at:
                everything_at = monotonic + EVERY_S
                changed |= set(self.gateways())
            self.compile_all(changed)
            # Taken to the end: leaving early would lose what came in the same packet.
            notices = listener.notifies(timeout=WAIT_S, stop_after=1)
            changed = self.concerned(notice.payload for notice in notices)

    def compile_all(self, changed: Iterable[str]) -> None:
        """Compile these gateways' plans, and those that time alone has changed."""
        monotonic = time.monotonic()
        due = {gateway for gateway, at in self._again.items() if at <= monotonic}
        for gateway in sorted(due.union(changed)):
            self._try(gateway)

    def concerned(self, notices: Iterable[str]) -> set[str]:
        """Return the gateways whose plans may change by what the database notified of."""
        changed: set[str] = set()
        stated: set[str] = set()
        for notice in notices:
            payload = json.loads(notice)
            gateway = payload.get("gateway")
            if gateway is not None:
                (stated if payload.get("state") else changed).add(gateway)
        for gateway in sorted(stated):
            self._repeat_if_older(gateway)
        return changed | self._concerned(changed)

    def _concerned(self, told: set[str]) -> set[str]:
        """Those that may have work now of what these gateways marked or read."""
        if not told:
            return set()
        with self._engine.connect() as connection:
            return set(connection.execute(_SHARERS, {"told": sorted(told)}).scalars())

    def gateways(self) -> list[str]:
        """Return every gateway that is known."""
        with self._engine.connect() as connection:
            return list(connection.execute(select(schema.gateway.c.name)).scalars())

    def _try(self, gateway: str) -> None:
        """Compile; a gateway that it fails for keeps its former plan, and stops no other."""
        try:
            self._compile(gateway)
        except RegisterOlder as error:
            self._hold(error)
        except Exception as error:
            if db.may_pass(error):
                raise
            if gateway not in self._failing:
                log.exception("%s: no plan can be compiled; its former one stands", gateway)
            self._failing.add(gateway)
        else:
            self._failing.discard(gateway)
            self._held = False

    def _compile(self, gateway: str) -> None:
        now = datetime.now(UTC)
        self._again.pop(gateway, None)
        with self._engine.begin() as connection:
            signed, again = renew(
                Work(connection, By.program("plan")),
                gateway,
                self._config.plan,
                self._key,
                self._keys,
                now,
                self._issuing,
            )
            self._ensure_alone()
        if signed is not None:
            with self._engine.begin() as connection:
                self._issuing.confirm(InDatabase(Work(connection, By.program("plan"))))
        if again is not None:
            self._again[gateway] = time.monotonic() + (again - now).total_seconds()
        if signed is not None:
            log.info("%s: plan %d of incarnation %d", gateway, signed.version, signed.incarnation)
            self.publish(gateway, signed.payload)

    def _publish_all(self) -> None:
        for gateway in self.gateways():
            with self._engine.connect() as connection:
                signed = None if older(connection) else latest_signed(connection, gateway)
            if signed is not None:
                self.publish(gateway, signed.payload)

    def _repeat_if_older(self, gateway: str) -> None:
        """A gateway that stands on an older plan did not get the newer one."""
        table = schema.gateway_state
        with self._engine.connect() as connection:
            signed = None if older(connection) else latest_signed(connection, gateway)
            row = connection.execute(
                select(table.c.online, table.c.plan_incarnation, table.c.plan_version).where(
                    table.c.gateway == gateway
                )
            ).one_or_none()
        if signed is None or row is None or not row.online:
            return
        theirs = (row.plan_incarnation or 0, row.plan_version or 0)
        if theirs < (signed.incarnation, signed.version):
            self.publish(gateway, signed.payload)

    def _hold(self, error: RegisterOlder) -> None:
        """Enter the proof, and say once why no plan is issued."""
        with self._engine.begin() as connection:
            prove_older(Work(connection, By.program("plan")), str(error))
        if not self._held:
            log.error("%s: %s; no plan is issued: %s", error.code, error, WHAT_TO_RUN)
        self._held = True

    def publish(self, gateway: str, payload: bytes) -> None:
        """Retain a signed plan at the broker."""
        # Without a session nothing is queued: at the next one all plans are published anyway.
        if self._client.is_connected():
            self._client.publish(topic(gateway, "plan"), payload, qos=1, retain=True)
