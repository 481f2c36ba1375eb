"""A broker and the lines to it: MQTT with everything that goes wrong between two machines.

QoS 1, retained messages, last wills, a shared subscription, session take-over. A message may be
lost (acknowledged or not), doubled, overtaken or late; a line may be cut or go dead unnoticed; the
broker may restart, and forget what it retained.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from gateway.contract.batch import decode_batch, encode_batch
from gateway.contract.signed import SigningKey
from gateway.uplink import LinkDown, TakenOver
from tests.simulation.chance import Chance
from tests.simulation.loop import SimLoop
from tests.simulation.story import Story

KEEPALIVE_S = 20.0
"""A client notices a dead line after so long; the broker after half as long again."""
ACK_S = 10.0
"""How long a publication waits for its PUBACK."""
CONNECT_S = 5.0

Fate: TypeAlias = Literal["lost", "doubled", "reordered", "delayed"]
FATES: tuple[Fate, ...] = ("lost", "doubled", "reordered", "delayed")
Why: TypeAlias = Literal["cut", "taken-over"]


class LineLost(Exception):
    """The connection is gone, or was never made."""


@dataclass(frozen=True)
class Message:
    topic: str
    payload: bytes
    retain: bool = False
    expires: float | None = None
    """When the broker no longer delivers it."""


@dataclass
class Weather:
    """How likely each fate is for any message; `due` are fates that wait for the next ones."""

    lost: float = 0.0
    doubled: float = 0.0
    reordered: float = 0.0
    delayed: float = 0.0
    due: list[tuple[str, Fate]] = field(default_factory=list)
    """(client, fate), for the next message to or from that client."""

    def calm(self) -> None:
        self.lost = self.doubled = self.reordered = self.delayed = 0.0
        self.due.clear()


@dataclass(eq=False)
class Session:
    """One client's connection, both ends of it."""

    broker: "Broker"
    client: str
    will: Message | None
    deliver: Callable[[Message, int], None]
    """Called with each message and its number, to be given to `ack` where that is manual."""
    lost: Callable[[Why], None]
    manual_ack: bool = False
    why: Why | None = None
    """Why the client lost it."""
    here: bool = True
    """The client holds it open."""
    there: bool = True
    """The broker holds it open."""
    filters: list[str] = field(default_factory=list)
    unacknowledged: dict[int, Message] = field(default_factory=dict)
    up_clock: float = 0.0
    down_clock: float = 0.0

    def subscribe(self, *filters: str) -> None:
        self.broker._up(self, lambda: self.broker._subscribe(self, filters))

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry: float | None = None
    ) -> None:
        """Returns when the broker has acknowledged. Raises `LineLost`."""
        await self.broker._publish_from(self, topic, payload, retain, expiry)

    def ack(self, number: int) -> None:
        self.broker._up(self, lambda: self.unacknowledged.pop(number, None))

    def disconnect(self) -> None:
        """Leave in good order: no will."""
        if self.here:
            self.here = False
            self.broker._up(self, lambda: self.broker._end(self, will=False), even_closed=True)

    def drop(self) -> None:
        """The process behind it is gone; the broker finds out."""
        if self.here:
            self.here = False
            self.broker._up(self, lambda: self.broker._end(self, will=True), even_closed=True)


class Broker:
    """One broker for the whole world."""

    def __init__(self, loop: SimLoop, chance: Chance, story: Story) -> None:
        self._loop = loop
        self._chance = chance
        self._story = story
        self.weather = Weather()
        self.down_until = 0.0
        self._dead_until: dict[str, float] = {}
        """By client, until when its line carries nothing."""
        self._sessions: dict[str, Session] = {}
        self.retained: dict[str, Message] = {}
        self._number = 0
        self._turn = 0
        self.on_fate: Callable[[Fate, str], None] = lambda _fate, _client: None
        self.longest_way_s = 0.0
        """From the broker to a client, of any message."""

    # -- connections

    async def connect(
        self,
        client: str,
        will: Message | None,
        deliver: Callable[[Message, int], None],
        lost: Callable[[Why], None],
        *,
        manual_ack: bool = False,
    ) -> Session:
        """Raises `LineLost` when the broker cannot be reached."""
        await asyncio.sleep(self._chance.uniform(0.005, 0.05))
        if self._loop.now < self.down_until:
            raise LineLost("connection refused")
        if self._dead(client):
            await asyncio.sleep(CONNECT_S)
            raise LineLost("no answer")
        session = Session(self, client, will, deliver, lost, manual_ack)
        former = self._sessions.get(client)
        if former is not None:
            self._story.tell("broker", f"{client}: session taken over")
            self._end(former, will=True, why="taken-over")
        self._sessions[client] = session
        return session

    def _dead(self, client: str) -> bool:
        return self._loop.now < self._dead_until.get(client, 0.0)

    def _end(self, session: Session, *, will: bool, why: Why = "cut") -> None:
        """The broker's end closes; an open client hears of it at once."""
        if not session.there:
            return
        session.there = False
        if self._sessions.get(session.client) is session:
            del self._sessions[session.client]
        if session.here and not self._dead(session.client):
            session.here, session.why = False, why
            session.lost(why)
        if will and session.will is not None:
            self._route(session.will)
        for message in session.unacknowledged.values():
            if "/records" in message.topic:  # the shared subscription gives it to another
                self._route(message)
        session.unacknowledged.clear()

    # -- what goes wrong

    def cut(self, client: str) -> None:
        """The connection breaks; both ends notice, and may connect again at once."""
        session = self._sessions.get(client)
        if session is not None:
            self._end(session, will=True)

    def deaden(self, client: str, seconds: float) -> None:
        """The line carries nothing for so long. Short: all is late. Long: both ends give up."""
        self._dead_until[client] = max(self._dead_until.get(client, 0), self._loop.now + seconds)
        session = self._sessions.get(client)
        if session is not None and seconds >= KEEPALIVE_S:
            self._loop.call_later(KEEPALIVE_S, self._client_gives_up, session)
            self._loop.call_later(KEEPALIVE_S * 1.5, self._broker_gives_up, session)

    def _client_gives_up(self, session: Session) -> None:
        if session.here:
            session.here, session.why = False, "cut"
            session.lost("cut")

    def _broker_gives_up(self, session: Session) -> None:
        self._end(session, will=True)

    def restart(self, seconds: float, *, forgets: bool) -> None:
        """All connections end; nothing can be reached for so long."""
        self.down_until = max(self.down_until, self._loop.now + seconds)
        for session in list(self._sessions.values()):
            session.unacknowledged.clear()
            session.will = None
            self._end(session, will=False)
        if forgets:
            self.retained.clear()

    def calm(self) -> None:
        """Nothing goes wrong from now on."""
        self.weather.calm()
        self.down_until = min(self.down_until, self._loop.now)
        self._dead_until.clear()

    # -- messages

    def inject(self, topic: str, payload: bytes) -> None:
        """Somebody else, who got at the broker, publishes this."""
        self._route(Message(topic, payload))

    def _fate(self, client: str) -> Fate | None:
        weather = self.weather
        for index, (whom, fate) in enumerate(weather.due):
            if whom == client:
                del weather.due[index]
                self.on_fate(fate, client)
                return fate
        if weather.lost or weather.doubled or weather.reordered or weather.delayed:
            for fate in FATES:
                if self._chance.yes(getattr(weather, fate)):
                    self.on_fate(fate, client)
                    return fate
        return None

    def _when(self, session: Session, *, up: bool, overtaken: bool, late: float) -> float:
        """The moment at which a message arrives; in order, unless it is `overtaken`."""
        start = max(self._loop.now, self._dead_until.get(session.client, 0.0))
        at = start + self._chance.uniform(0.002, 0.02) + late
        if not overtaken:
            clock = session.up_clock if up else session.down_clock
            at = max(at, clock)
            if up:
                session.up_clock = at
            else:
                session.down_clock = at
        return at

    def _up(
        self, session: Session, act: Callable[[], object], *, even_closed: bool = False
    ) -> None:
        """Something small travels to the broker."""
        at = self._when(session, up=True, overtaken=False, late=0.0)

        def arrive() -> None:
            if session.there and (session.here or even_closed):
                act()

        self._loop.call_at(at, arrive)

    async def _publish_from(
        self, session: Session, topic: str, payload: bytes, retain: bool, expiry: float | None
    ) -> None:
        if not session.here:
            raise LineLost("not connected")
        fate = self._fate(session.client)
        acknowledged: asyncio.Future[None] = self._loop.create_future()
        expires = None if expiry is None else self._loop.now + expiry
        message = Message(topic, payload, retain, expires)
        late = self._chance.uniform(1, 25) if fate == "delayed" else 0.0
        if fate == "reordered":
            late = self._chance.uniform(0.05, 1)
        at = self._when(session, up=True, overtaken=fate == "reordered", late=late)
        heard = fate != "lost" or self._chance.yes(0.5)

        def arrive() -> None:
            if session.there:
                if fate != "lost":
                    self._route(message)
                if fate == "doubled":
                    self._route(message)
                if heard:
                    back = self._when(session, up=False, overtaken=False, late=0.0)
                    self._loop.call_at(back, answer)

        def answer() -> None:
            if session.here and not acknowledged.done():
                acknowledged.set_result(None)

        self._loop.call_at(at, arrive)
        try:
            async with asyncio.timeout(ACK_S):
                while not acknowledged.done():
                    if not session.here:
                        raise LineLost("cut while publishing")
                    await asyncio.wait([acknowledged], timeout=0.5)
        except TimeoutError:
            raise LineLost("no PUBACK") from None

    def _subscribe(self, session: Session, filters: tuple[str, ...]) -> None:
        for name in filters:
            if name not in session.filters:
                session.filters.append(name)
            if not name.startswith("$share/"):
                for topic, message in list(self.retained.items()):
                    if matches(name, topic):
                        self._send(session, message)

    def _route(self, message: Message) -> None:
        """A message has come to the broker: to whoever wants it."""
        if message.retain:
            if message.payload:
                self.retained[message.topic] = message
            else:
                self.retained.pop(message.topic, None)
        sharing: list[Session] = []
        for session in self._sessions.values():
            for name in session.filters:
                if name.startswith("$share/"):
                    if matches(name.split("/", 2)[2], message.topic):
                        sharing.append(session)
                elif matches(name, message.topic):
                    self._send(session, message)
        if sharing:
            self._turn += 1
            self._send(sharing[self._turn % len(sharing)], message)

    def _send(self, session: Session, message: Message) -> None:
        """Down the line to a client."""
        fate = self._fate(session.client)
        if fate == "lost":
            return
        self._number += 1
        number = self._number
        if session.manual_ack:
            session.unacknowledged[number] = message
        late = self._chance.uniform(1, 25) if fate == "delayed" else 0.0
        if fate == "reordered":
            late = self._chance.uniform(0.05, 1)

        def arrive() -> None:
            if session.here and session.there:
                if message.expires is None or self._loop.now < message.expires:
                    session.deliver(message, number)
                else:
                    session.unacknowledged.pop(number, None)

        for _ in range(2 if fate == "doubled" else 1):
            at = self._when(session, up=False, overtaken=fate == "reordered", late=late)
            self.longest_way_s = max(self.longest_way_s, at - self._loop.now)
            self._loop.call_at(at, arrive)


def matches(name: str, topic: str) -> bool:
    """Whether a filter of this contract takes a topic: one `+` stands for the gateway."""
    if "+" not in name:
        return name == topic
    before, _, after = name.partition("+")
    return (
        topic.startswith(before)
        and topic.endswith(after)
        and "/" not in topic[len(before) : len(topic) - len(after)]
    )


class SimLink:
    """One process's way to the broker. See `gateway.uplink.Link`."""

    def __init__(self, broker: Broker, earlier_release: SigningKey | None = None) -> None:
        """`earlier_release`: the key of a sender that knows no field which came later."""
        self._broker = broker
        self._earlier_release = earlier_release
        self._sessions: list[Session] = []

    @asynccontextmanager
    async def session(self, name: str, will_topic: str, will: bytes) -> AsyncIterator["SimSession"]:
        arrived: asyncio.Queue[Message | Why] = asyncio.Queue()
        try:
            session = await self._broker.connect(
                name,
                Message(will_topic, will, retain=True),
                lambda message, _number: arrived.put_nowait(message),
                arrived.put_nowait,
            )
        except LineLost as error:
            raise LinkDown(str(error)) from error
        self._sessions.append(session)
        try:
            yield SimSession(session, arrived, self._earlier_release)
        finally:
            session.disconnect()
            self._sessions.remove(session)

    def drop(self) -> None:
        """The process is gone; the broker finds its connections closed."""
        for session in self._sessions:
            session.drop()


class SimSession:
    """One connection. See `gateway.uplink.Session`."""

    def __init__(
        self,
        session: Session,
        arrived: "asyncio.Queue[Message | Why]",
        earlier_release: SigningKey | None,
    ) -> None:
        self._session = session
        self._arrived = arrived
        self._earlier_release = earlier_release

    async def subscribe(self, topics: Sequence[str]) -> None:
        self._session.subscribe(*topics)

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> None:
        if self._earlier_release is not None and topic.endswith("/records"):
            batch = decode_batch(payload)
            header = batch.header.model_copy(update={"incarnation": None, "plans": None})
            payload = encode_batch(header, batch.records, self._earlier_release)
        try:
            await self._session.publish(topic, payload, retain=retain, expiry=expiry_s)
        except LineLost as error:
            raise self._down(str(error)) from error

    async def messages(self) -> AsyncIterator[tuple[str, bytes]]:
        while True:
            message = await self._arrived.get()
            if not isinstance(message, Message):
                raise self._down("the connection is gone")
            yield message.topic, message.payload

    def _down(self, why: str) -> LinkDown:
        return TakenOver(why) if self._session.why == "taken-over" else LinkDown(why)
