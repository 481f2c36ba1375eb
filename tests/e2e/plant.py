"""Central's real programs on Mosquitto and PostgreSQL, and clients with certificates."""

import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.contract.topics import ALL_RECORDS_SHARED
from simulators.broker import free_port
from simulators.demo.processes import spawn
from tests.crash.site import seed
from tests.e2e.certificates import Certificate
from tests.e2e.servers import Mosquitto, PostgreSQL
from tests.support.central import Centre
from tests.support.wait import wait_for


@dataclass
class Plant(Centre):
    """A centre whose servers are the system's."""

    server: PostgreSQL | None = None

    @property
    def mosquitto(self) -> Mosquitto:
        assert isinstance(self.broker, Mosquitto)
        return self.broker

    @property
    def database(self) -> str:
        assert self.server is not None
        return self.server.url

    @property
    def broker_settings(self) -> dict[str, str]:
        broker = self.mosquitto
        return {"url": broker.central_url} | broker.trust(broker.central.client("central"))

    def halt(self) -> None:
        if self.server is not None:
            self.server.stop()
        super().halt()

    def admit(self, gateway: str) -> dict[str, str]:
        """A certificate for this gateway."""
        return self.mosquitto.trust(self.mosquitto.gateways.client(gateway))


@contextmanager
def plant() -> Iterator[Plant]:
    """Servers, programs and a producer with a licence. The folder is not pytest's: see Centre."""
    folder = Path(tempfile.mkdtemp(prefix="gjurma-plant-"))
    folder.chmod(0o711)
    made = Plant(folder, Mosquitto(folder / "mosquitto"), free_port(), spawn)
    try:
        made.broker.run()
        made.server = PostgreSQL.started(folder / "database")
        made.configure()
        made.run("migrate")
        for name in ("serve", "plan", "ingest-1", "ingest-2"):
            made.start(name)
        seed(made)
        asked = f" 1 {ALL_RECORDS_SHARED}"
        wait_for("both workers", lambda: made.mosquitto.logged.count(asked) == 2)
        yield made
    finally:
        made.end()


class Speaker:
    """An MQTT 5 client with a certificate, for what no honest program does.

    `heard`: topic and payload of what came in; `ended`: why the broker ended the session.
    """

    def __init__(
        self,
        port: int,
        ca: Path,
        certificate: Certificate | None,
        name: str = "",
        *,
        lasts_s: int = 0,
    ) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.ended: list[int] = []
        self._answers: dict[int, list[int]] = {}
        self._up: list[ReasonCode] = []
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.tls_set(
            ca_certs=str(ca),
            certfile=str(certificate.cert) if certificate else None,
            keyfile=str(certificate.key) if certificate else None,
            cert_reqs=ssl.CERT_REQUIRED,
        )
        client.on_connect = lambda _c, _d, _f, reason, _p: self._up.append(reason)
        client.on_disconnect = lambda _c, _d, _f, reason, _p: self.ended.append(reason.value)
        client.on_message = self._on_message
        client.on_publish = lambda _c, _d, mid, reason, _p: self._answered(mid, [reason])
        client.on_subscribe = lambda _c, _d, mid, reasons, _p: self._answered(mid, reasons)
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = lasts_s
        properties.ReceiveMaximum = 1000
        self._client = client
        client.connect("127.0.0.1", port, clean_start=lasts_s == 0, properties=properties)
        client.loop_start()
        wait_for("an answer to CONNECT", lambda: self._up or self.ended)

    @property
    def let_in(self) -> bool:
        return bool(self._up) and not self._up[0].is_failure

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """QoS 1; the reason code of the broker's PUBACK."""
        return self._answer(self._client.publish(topic, payload, qos=1, retain=retain).mid)[0]

    def send(self, topic: str, payload: bytes) -> None:
        """QoS 1, without waiting."""
        self._client.publish(topic, payload, qos=1)

    def subscribe(self, topic: str) -> int:
        """The reason code of the broker's SUBACK."""
        _, mid = self._client.subscribe(topic, qos=1)
        assert mid is not None
        return self._answer(mid)[0]

    def _answer(self, mid: int) -> list[int]:
        wait_for("the broker's answer", lambda: mid in self._answers or self.ended, 60)
        return self._answers.get(mid, [-1])

    def _answered(self, mid: int, reasons: Any) -> None:
        self._answers[mid] = [reason.value for reason in reasons]

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self.heard.append((message.topic, bytes(message.payload)))
