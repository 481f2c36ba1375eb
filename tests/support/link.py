"""A gateway's session with the broker, by MQTT."""

from collections.abc import Callable
from typing import Any, Protocol

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.contract.topics import RECORDS_EXPIRY_S, topic
from tests.support.wait import wait_for

Receive = Callable[[str, bytes], None]
"""Called with a topic and a payload."""


class Link(Protocol):
    """The way of a gateway's messages to central, and of central's to the gateway."""

    def publish(self, name: str, payload: bytes, *, retain: bool) -> None: ...
    def close(self) -> None: ...


class MqttLink:
    """A session on a real broker."""

    def __init__(self, port: int, gateway: str, receive: Receive) -> None:
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        ready: list[bool] = []

        def connected(client: Client, *_: Any) -> None:
            client.subscribe([(topic(gateway, "receipts"), 1), (topic(gateway, "plan"), 1)])

        def received(_client: Client, _data: Any, message: MQTTMessage) -> None:
            receive(message.topic, bytes(message.payload))

        client.on_connect = connected
        client.on_subscribe = lambda *_: ready.append(True)
        client.on_message = received
        client.connect("127.0.0.1", port)
        client.loop_start()
        self._client = client
        wait_for("the subscription", lambda: ready)

    def publish(self, name: str, payload: bytes, *, retain: bool) -> None:
        """Publish, and wait for the broker's acknowledgement."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if not retain:
            properties.MessageExpiryInterval = RECORDS_EXPIRY_S
        sent = self._client.publish(name, payload, qos=1, retain=retain, properties=properties)
        sent.wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
