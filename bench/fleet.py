"""Many gateways: their real records, signed batches, and what plays them at the broker.

Each gateway keeps the contract's rule of one batch without a receipt. All of them share one
session with the broker, so that playing them costs the machine little.
"""

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.contract.topics import RECORDS_EXPIRY_S, gateway_of, topic
from tests.support.central import Centre
from tests.support.peer import Peer

SILENCE_S = 30


@dataclass
class Gateway:
    """One enrolled gateway with an order of its own; its batches follow on each other."""

    peer: Peer
    parts: int = 0
    sent: int = 0
    """Records that are already in a batch."""

    @classmethod
    def enrolled(cls, centre: Centre, name: str, order: str, quantity: int) -> "Gateway":
        peer = Peer(centre, name)
        peer.order = order
        invitation = centre.post("/api/v1/invitations", {"gateway": name})
        centre.add_order(order, name, quantity=quantity)
        peer.enroll(invitation["code"])
        peer.accept()
        peer.disconnect()
        return cls(peer)

    def batches(self, count: int, size: int) -> list[bytes]:
        """The next `count` signed batches of `size` records: parts marked and read back."""
        journal = self.peer.journal
        while journal.seq < self.sent + count * size:
            self._part()
        made = []
        for _ in range(count):
            made.append(journal.batch(self.sent + 1, self.sent + size))
            self.sent += size
        return made

    def rest(self) -> list[bytes]:
        """What was made and not sent, so that the next round begins with a whole part."""
        left = self.peer.journal.seq - self.sent
        return self.batches(1, left) if left else []

    def _part(self) -> None:
        peer, journal = self.peer, self.peer.journal
        assert peer.plan is not None
        self.parts += 1
        mark = journal.mark(peer.plan, peer.order, peer.number(self.parts))
        seq = journal.intent(mark)
        journal.marked(seq)
        journal.verified(seq, content=mark.content)


@dataclass
class _Lane:
    """One gateway's batches, in order, and how far the register has confirmed them."""

    batches: list[bytes]
    last: list[int]
    """The last record of each batch."""
    next: int = 0


@dataclass
class Players:
    """A session that publishes for every gateway and hears every receipt."""

    port: int
    _client: Client = field(init=False)
    _lanes: dict[str, _Lane] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)
    _done: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        ready = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.max_inflight_messages_set(200)
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", self.port)
        self._client.loop_start()
        self._client.subscribe(topic("+", "receipts"), qos=1)
        if not ready.wait(10):
            raise TimeoutError("the broker does not answer a subscription")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def play(self, lanes: dict[str, list[bytes]]) -> float:
        """Send each gateway's batches, one at a time; returns the seconds until the last receipt.

        Raises TimeoutError when no receipt comes for long.
        """
        self._lanes = {
            gateway: _Lane(batches, [_header(batch)["last"] for batch in batches])
            for gateway, batches in lanes.items()
            if batches
        }
        self._open = set(self._lanes)
        self._done.clear()
        began = time.perf_counter()
        for gateway, lane in self._lanes.items():
            self._publish(gateway, lane.batches[0])
        if not self._done.wait(SILENCE_S + sum(map(len, lanes.values())) / 10):
            raise TimeoutError(f"no receipts for {sorted(self._open)}")
        return time.perf_counter() - began

    def _publish(self, gateway: str, batch: bytes) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.MessageExpiryInterval = RECORDS_EXPIRY_S
        self._client.publish(topic(gateway, "records"), batch, qos=1, properties=properties)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        gateway = gateway_of(message.topic)
        lane = self._lanes.get(gateway)
        if lane is None or gateway not in self._open:
            return
        receipt = _header(bytes(message.payload))
        if receipt.get("latch") or receipt["refused"]:
            raise RuntimeError(f"the register refuses: {receipt}")
        if receipt["committed"] < lane.last[lane.next]:
            return
        lane.next += 1
        if lane.next < len(lane.batches):
            self._publish(gateway, lane.batches[lane.next])
        else:
            self._open.discard(gateway)
            if not self._open:
                self._done.set()


def _header(payload: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(payload.partition(b"\n")[0])
    return value


def records_in(batches: Iterable[bytes]) -> int:
    return sum((h := _header(batch))["last"] - h["first"] + 1 for batch in batches)
