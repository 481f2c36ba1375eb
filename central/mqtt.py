"""A session with the broker: MQTT 5, reconnecting by itself, one log line a change of state."""

import logging
import ssl
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from central.config import Broker
from central.errors import ConfigError

KEEPALIVE_S = 15


def make_client(
    broker: Broker,
    log: logging.Logger,
    on_up: Callable[[Client], None],
    on_down: Callable[[], None] = lambda: None,
    *,
    manual_ack: bool = False,
) -> Client:
    """A client that is not connected yet. `on_up` runs at every connection, to subscribe anew.

    Both callbacks run in the client's own thread. Raises `ConfigError` for unusable files.
    """
    client = Client(
        CallbackAPIVersion.VERSION2,
        protocol=MQTTProtocolVersion.MQTTv5,
        manual_ack=manual_ack,
        reconnect_on_failure=True,
    )
    client.reconnect_delay_set(min_delay=1, max_delay=10)
    if broker.username is not None:
        client.username_pw_set(broker.username, _password(broker))
    if broker.tls:
        try:
            client.tls_set(
                ca_certs=None if broker.ca is None else str(broker.ca),
                certfile=None if broker.cert is None else str(broker.cert),
                keyfile=None if broker.key is None else str(broker.key),
                cert_reqs=ssl.CERT_REQUIRED,
            )
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"broker: ca, cert, key: {error}") from error
    up = False

    def connected(
        client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _props: Any
    ) -> None:
        nonlocal up
        if reason.is_failure:
            log.warning("the broker at %s refused: %s", broker.url, reason)
            return
        up = True
        log.info("connected to the broker at %s", broker.url)
        on_up(client)

    def disconnected(
        _client: Client, _data: Any, _flags: DisconnectFlags, reason: ReasonCode, _props: Any
    ) -> None:
        nonlocal up
        if up:
            log.warning("the broker at %s is gone: %s", broker.url, reason)
        up = False
        on_down()

    client.on_connect = connected
    client.on_disconnect = disconnected
    return client


def start(client: Client, broker: Broker, receive_maximum: int = 64) -> None:
    """Connect in the background, and again after each loss, for as long as the client runs."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = receive_maximum
    client.connect_async(
        broker.host, broker.port, keepalive=KEEPALIVE_S, clean_start=True, properties=properties
    )
    client.loop_start()


def stop(client: Client) -> None:
    """Leave the broker and end the client's thread."""
    client.disconnect()
    client.loop_stop()


def _password(broker: Broker) -> str | None:
    if broker.password_file is None:
        return None
    try:
        return broker.password_file.read_text().rstrip("\n")
    except OSError as error:
        raise ConfigError(f"{broker.password_file}: {error.strerror}") from error
