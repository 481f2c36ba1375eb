"""One ingest worker: takes what has arrived, stores it, then acknowledges and answers.

Nothing is acknowledged before the register has committed it. While the database is away, what was
taken is held, the broker's flow control stops the rest, and gateways send again later.
"""

import logging
import queue
import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import psycopg
from paho.mqtt.client import Client, MQTTMessage
from psycopg import errors as pg

from central import db, mqtt
from central.config import Config
from central.errors import DatabaseUnavailable
from central.ingest import intake, receipts, states, store
from central.ingest.database import Connection
from central.ingest.facts import PlanKeys
from gateway.contract.errors import ContractError
from gateway.contract.signed import SigningKey
from gateway.contract.topics import ALL_RECORDS_SHARED, ALL_STATES, gateway_of, topic

log = logging.getLogger("central.ingest")
ELECTION = 0x696E6773  # the advisory lock that one worker holds
ELECTION_EVERY_S = 1.0
BACKOFF_S = (0.1, 5.0)
T = TypeVar("T")


@dataclass(frozen=True)
class Arrived:
    """A message, and the connection that it came on: another one must not acknowledge it."""

    message: MQTTMessage
    connection: int


@dataclass(frozen=True)
class Answer:
    """A receipt to publish after the commit."""

    gateway: str
    payload: bytes


class Worker:
    """Runs until `stop`. One thread of its own works; paho's thread only fills the queue."""

    def __init__(self, config: Config, key: SigningKey, plan_keys: PlanKeys) -> None:
        self._config = config
        self._key = key
        self._plan_keys = plan_keys
        self._arrived: queue.Queue[Arrived] = queue.Queue()
        self._stopping = threading.Event()
        self._generation = 0
        self._elected = False
        self._election_at = 0.0
        self._database: Connection | None = None
        self._client = mqtt.make_client(
            config.broker, log, self._subscribe, self._lost_broker, manual_ack=True
        )
        self._client.on_message = self._on_message
        self._client.on_socket_open = _send_at_once

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        """Work until `stop` is called. What is unacknowledged then goes to another worker."""
        mqtt.start(self._client, self._config.broker, self._config.ingest.receive_maximum)
        try:
            while not self._stopping.is_set():
                self._elect()
                taken = self._take()
                if taken:
                    self._work(taken)
        finally:
            mqtt.stop(self._client)
            if self._database is not None:
                self._database.close()

    # --- the broker's side, in paho's thread ------------------------------------------------

    def _subscribe(self, client: Client) -> None:
        self._generation += 1
        client.subscribe(ALL_RECORDS_SHARED, qos=1)
        if self._elected:
            client.subscribe(ALL_STATES, qos=1)

    def _lost_broker(self) -> None:
        self._generation += 1

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._arrived.put(Arrived(message, self._generation))

    # --- our own thread -----------------------------------------------------------------------

    def _take(self) -> list[Arrived]:
        """Everything that has arrived; waits a little for the first."""
        try:
            taken = [self._arrived.get(timeout=ELECTION_EVERY_S / 4)]
        except queue.Empty:
            return []
        while len(taken) < self._config.ingest.receive_maximum:
            try:
                taken.append(self._arrived.get_nowait())
            except queue.Empty:
                break
        return taken

    def _work(self, taken: list[Arrived]) -> None:
        answers = self._persist(lambda: self._together(taken))
        if answers is None:
            return
        for arrived in taken:
            if arrived.connection == self._generation:
                self._client.ack(arrived.message.mid, arrived.message.qos)
        for answer in answers:
            self._client.publish(topic(answer.gateway, "receipts"), answer.payload, qos=1)

    def _persist(self, work: Callable[[], T]) -> T | None:
        """Do it, through losses of the database; None only when we are told to stop."""
        delay = BACKOFF_S[0]
        told = False
        while not self._stopping.is_set():
            try:
                result = work()
            except (psycopg.Error, DatabaseUnavailable) as error:
                if not told:
                    away = db.is_away(error)
                    what = "is away" if away else "refuses a statement"
                    log.warning("the database %s; nothing is acknowledged: %s", what, error)
                    told = True
                self._drop_database()
                self._stopping.wait(delay * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
                delay = min(delay * 2, BACKOFF_S[1])
                continue
            if told:
                log.info("the database is back")
            return result
        return None

    def _connection(self) -> Connection:
        if self._database is None or self._database.closed:
            self._database = db.connect(self._config)
        return self._database

    def _drop_database(self) -> None:
        if self._database is not None:
            self._database.close()
        self._database = None
        if self._elected:
            self._elected = False
            self._client.unsubscribe(ALL_STATES)

    def _elect(self) -> None:
        """One worker of all subscribes to the gateways' states. The lock ends with its session,
        which an elected worker without work asks for, so that it notices."""
        if time.monotonic() < self._election_at:
            return
        self._election_at = time.monotonic() + ELECTION_EVERY_S

        def attempt() -> bool:
            connection = self._connection()
            with connection.transaction():
                if self._elected:
                    connection.execute("SELECT 1")
                    return True
                row = connection.execute("SELECT pg_try_advisory_lock(%s)", (ELECTION,)).fetchone()
            return row is not None and bool(row[0])

        if self._persist(attempt) and not self._elected:
            self._elected = True
            log.info("elected: answers the gateways' states")
            self._client.subscribe(ALL_STATES, qos=1)

    def _together(self, taken: list[Arrived]) -> list[Answer]:
        """All in one transaction, streams in one order; one by one where that collides."""
        ordered = sorted(taken, key=lambda arrived: arrived.message.topic)
        connection = self._connection()
        if len(ordered) > 1:
            try:
                with connection.transaction():
                    store.lock_streams(connection, _gateways(ordered))
                    return [a for arrived in ordered for a in self._one(connection, arrived)]
            except (pg.DeadlockDetected, pg.SerializationFailure, store.JudgedTooEarly):
                pass
            except Exception as error:
                if db.is_away(error):
                    raise
                log.warning("%d messages together failed, now one by one: %s", len(ordered), error)
        answers = []
        for arrived in ordered:
            answers += self._alone(connection, arrived)
        return answers

    def _alone(self, connection: Connection, arrived: Arrived) -> list[Answer]:
        """One message in a transaction of its own."""
        message = arrived.message
        answers = intake.alone(
            connection,
            lambda fault: self._one(connection, arrived, fault),
            lambda: gateway_of(message.topic),
            bytes(message.payload),
        )
        return answers or []

    def _one(self, connection: Connection, arrived: Arrived, fault: str = "") -> list[Answer]:
        name, payload = arrived.message.topic, bytes(arrived.message.payload)
        return take(connection, self._key, self._plan_keys, name, payload, fault)


def _gateways(taken: list[Arrived]) -> set[str]:
    found = set()
    for arrived in taken:
        with suppress(ContractError):
            found.add(gateway_of(arrived.message.topic))
    return found


def take(
    connection: Connection,
    key: SigningKey,
    plan_keys: PlanKeys,
    name: str,
    payload: bytes,
    fault: str = "",
) -> list[Answer]:
    """Store a message that came on the topic `name`, in the caller's transaction. Return its
    receipt, signed by `key`; nothing where the message deserves no receipt. `fault`: why a batch
    cannot be judged; it is kept unjudged then."""
    now = datetime.now(UTC)
    try:
        gateway = gateway_of(name)
    except ContractError:
        return []
    if name.endswith("/state"):
        asked = states.heard(connection, gateway, payload, now, key)
    else:
        asked = intake.take(connection, gateway, payload, now, plan_keys, fault)
    if asked is None:
        return []
    receipt = receipts.signed_receipt(connection, key, gateway, *asked, now)
    return [] if receipt is None else [Answer(gateway, receipt)]


def _send_at_once(_client: Client, _data: object, opened: object) -> None:
    """An acknowledgement, then at once a receipt: Nagle's algorithm would hold that for 40 ms."""
    assert isinstance(opened, socket.socket)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
