"""Sends what is due: one at a time, each kept once it was tried, again later where it failed."""

import logging
import threading
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import Engine

from central import db
from central.alerts import mail, outbox, webhook
from central.alerts.outbox import Delivery
from central.config import Config
from central.errors import ConfigError
from central.following import ensure_alone, follow
from central.register.alerts.service import ALERT
from gateway.contract.signed import SigningKey

log = logging.getLogger("central.alerts")
ONLY_ONE = 0x73656E64  # the advisory lock of the one sender
EVERY_S = 1.0
AT_ONCE = 20


class Sender:
    """Runs beside the watch until `stop`, since another server may take its time to answer. The
    sender of a second watch waits until the first is gone."""

    def __init__(self, config: Config, engine: Engine, key: SigningKey) -> None:
        self._config = config
        self._engine = engine
        self._key = key
        self._wake = threading.Event()
        self._stopping = threading.Event()

    def wake(self) -> None:
        """There may be something new."""
        self._wake.set()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()

    def run(self) -> None:
        """Work until `stop`, through losses of the database."""
        follow(
            self._config,
            self._follow,
            only_one=ONLY_ONE,
            channels=(),
            stopping=self._stopping,
            log=log,
            meanwhile="word of alerts waits",
        )

    def _follow(self, alone: psycopg.Connection[Any]) -> None:
        while not self._stopping.is_set():
            self._wake.wait(EVERY_S)
            self._wake.clear()
            self._send_due(alone)

    def _send_due(self, alone: psycopg.Connection[Any]) -> None:
        with self._engine.connect() as connection:
            found = outbox.due(connection, datetime.now(UTC), AT_ONCE)
        for delivery in found:
            if self._stopping.is_set():
                return
            ensure_alone(alone)
            self._try(delivery)

    def _try(self, delivery: Delivery) -> None:
        try:
            delivered, answer = True, self._send(delivery)
        except Exception as error:
            if db.may_pass(error):
                raise
            # Whatever it was, it is kept as an attempt, and the others are sent.
            delivered, answer = False, f"{type(error).__name__}: {error}"
        with self._engine.begin() as connection:
            given_up = outbox.attempted(
                connection, delivery, datetime.now(UTC), delivered=delivered, answer=answer
            )
        where = f"alert {delivery.alert} ({delivery.occasion}) by {delivery.channel}"
        if delivered:
            log.info("%s to %s: %s", where, delivery.target, answer)
        elif given_up:
            log.error("%s to %s: given up: %s", where, delivery.target, answer)
        elif delivery.attempts == 0:
            log.warning("%s to %s: it is tried again: %s", where, delivery.target, answer)

    def _send(self, delivery: Delivery) -> str:
        with self._engine.connect() as connection:
            alert = ALERT.require(connection, delivery.alert)
        if delivery.channel == "mail":
            if self._config.alerts.mail is None:
                raise ConfigError("no mail is configured")
            return mail.send(self._config.alerts.mail, delivery.id, delivery.target, alert)
        hook = next(
            (each for each in self._config.alerts.webhook if each.name == delivery.target), None
        )
        if hook is None:
            raise ConfigError(f"no webhook {delivery.target} is configured")
        return webhook.send(hook, self._key, delivery.id, delivery.occasion, alert)
