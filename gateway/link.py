"""The link to the broker over MQTT 5, by aiomqtt."""

import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt
from paho.mqtt.client import Client, DisconnectFlags
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.config import BrokerConfig
from gateway.uplink import LinkDown, Session, TakenOver

SESSION_TAKEN_OVER = 0x8E
MAX_PACKET = 1024 * 1024
KEEPALIVE_S = 20


class _Client(aiomqtt.Client):
    """A client that notices when the broker closes the connection before it has answered.

    The library waits for the answer until its own timeout ends, which is 10 s.
    """

    def _on_disconnect(
        self,
        client: Client,
        userdata: Any,
        flags: DisconnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        if self._connected.done():
            super()._on_disconnect(client, userdata, flags, reason_code, properties)
        else:
            why = "the broker closed the connection before it answered"
            self._connected.set_exception(aiomqtt.MqttError(why))


class MqttLink:
    """Sessions at the broker of the configuration."""

    def __init__(self, broker: BrokerConfig) -> None:
        self._broker = broker

    @asynccontextmanager
    async def session(self, name: str, will_topic: str, will: bytes) -> AsyncIterator[Session]:
        try:
            async with self._client(name, will_topic, will) as client:
                yield _MqttSession(client)
        except aiomqtt.MqttError as error:
            raise _in_our_words(error) from error

    def _client(self, name: str, will_topic: str, will: bytes) -> aiomqtt.Client:
        broker = self._broker
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = MAX_PACKET
        return _Client(
            hostname=broker.host,
            port=broker.port,
            identifier=name,
            username=None if broker.cert else name,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=True,
            keepalive=KEEPALIVE_S,
            properties=properties,
            will=aiomqtt.Will(will_topic, will, qos=1, retain=True),
            tls_context=_tls(broker) if broker.tls else None,
            # A batch and its PUBACK are small: waiting to fill a packet would cost 40 ms each way.
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )


class _MqttSession:
    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def subscribe(self, topics: Sequence[str]) -> None:
        try:
            await self._client.subscribe([(topic, 1) for topic in topics])
        except aiomqtt.MqttError as error:
            raise _in_our_words(error) from error

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if expiry_s is not None:
            properties.MessageExpiryInterval = expiry_s
        try:
            await self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        except aiomqtt.MqttError as error:
            raise _in_our_words(error) from error

    async def messages(self) -> AsyncIterator[tuple[str, bytes]]:
        try:
            async for message in self._client.messages:
                if isinstance(message.payload, bytes):
                    yield str(message.topic), message.payload
        except aiomqtt.MqttError as error:
            raise _in_our_words(error) from error


def _tls(broker: BrokerConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(broker.ca) if broker.ca else None)
    if broker.cert is not None:
        context.load_cert_chain(str(broker.cert), str(broker.key) if broker.key else None)
    return context


def _in_our_words(error: BaseException) -> LinkDown:
    return TakenOver(str(error)) if _taken_over(error) else LinkDown(str(error))


def _taken_over(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        rc = getattr(cause, "rc", None)
        if isinstance(rc, ReasonCode) and rc.value == SESSION_TAKEN_OVER:
            return True
        cause = cause.__cause__
    return False
