"""From an intent in the journal to its mark on a page, against a bare loop of the same parts.

A real station and a real uplink in this process, devices in memory; the embedded broker, one
ingest worker, the plan process and the web server as processes. Between two parts one message
goes the bare way: publish, insert, notify, listen.
"""

import asyncio
import contextlib
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from bench.loop import TOPIC
from bench.measure import Measurement, percentile
from bench.memory import Bed, MemoryMarker, MemoryReader
from bench.site import at_rest, one_cycle
from bench.watch import Seen, listening, page
from gateway.clock import TrustedClock
from gateway.config import GatewayConfig
from gateway.contract.plan import Plan
from gateway.contract.topics import Boot
from gateway.enrolment import enrol
from gateway.guard import Guard, GuardFile
from gateway.identity import Identity
from gateway.latches import Latches
from gateway.link import MqttLink
from gateway.logbook import Logbook
from gateway.moves import (
    CommitIntent,
    Effect,
)
from gateway.permission import Permission
from gateway.screen.desk import Desk
from gateway.station import Station
from gateway.store import newest_journal, open_journal
from gateway.uplink import Uplink
from tests.support.central import Centre

GATEWAY = "bench.live"
MARK_SECONDS = 0.05
PAUSE_S = 0.1
BARE = "bare: publish → insert → notify → listen"
LEGS = {
    "intent → commit seen in the register": "register",
    "intent → receipt at the gateway": "receipt",
    "intent → event at the page": "page",
}


@dataclass
class Line:
    """A running station with its uplink."""

    desk: Desk
    station: Station
    bed: Bed
    intents: list[tuple[int, str, float]]
    """Of each intent: its sequence number, its serial's text, and when it was journalled."""
    receipts: Seen


def run(rounds: int, parts: int) -> Measurement:
    """`parts` parts in each round, and as many bare messages between them."""
    found = Measurement(
        "latency", "From an intent's journalling to register and page", "ms", "lower"
    )
    found.notes = [
        (
            f"one part at a time; a shot takes {MARK_SECONDS * 1000:g} ms,"
            f" a pause of {PAUSE_S * 1000:g} ms and a bare message between two"
        ),
        "a receipt is seen when the gateway has moved its cursor on, durably",
    ]
    with (
        tempfile.TemporaryDirectory(prefix="gjurma-bench-") as folder,
        Centre.started("serve", "plan", "ingest-1", block_size=100_000, anew=True) as centre,
    ):
        centre.standard(GATEWAY, quantity=50_000)
        asyncio.run(_run(centre, Path(folder), found, rounds, parts))
    return found


async def _run(centre: Centre, folder: Path, found: Measurement, rounds: int, parts: int) -> None:
    register, bare, pages = Seen(), Seen(), Seen()
    with (
        _bare_loop(centre) as publish,
        listening(centre.database, register, bare),
        page(centre.url, centre.token("registry-officer"), pages),
    ):
        async with _line(centre, folder) as line:
            for number in range(rounds):
                line.intents.clear()
                sent = []
                for part in range(parts):
                    line.bed.content = None
                    await one_cycle(line.desk, line.station)
                    await asyncio.sleep(PAUSE_S / 2)
                    sent.append(_send(publish, f"{number:08d}{part:08d}"))
                    await asyncio.sleep(PAUSE_S / 2)
                await asyncio.to_thread(
                    _enter, found, line, sent, {"register": register, "page": pages}, bare
                )


def _send(publish: Client, key: str) -> tuple[str, float]:
    body = (key + secrets.token_hex(500)).encode("ascii")
    now = time.perf_counter()
    publish.publish(TOPIC, body, qos=1)
    return key, now


def _enter(
    found: Measurement,
    line: Line,
    sent: list[tuple[str, float]],
    seen: dict[str, Seen],
    bare: Seen,
) -> None:
    """One round's p50 and p99, once everything that was sent has been seen."""
    waits = {BARE: [bare.when(key) - at for key, at in sent]}
    for leg, name in LEGS.items():
        waits[leg] = []
        for seq, serial, at in line.intents:
            if name == "register":
                end = seen[name].when(f"{GATEWAY}/{seq}")
            elif name == "receipt":
                end = line.receipts.when(str(seq))
            else:
                end = seen[name].when(serial)
            waits[leg].append(end - at)
    for part, label in ((0.5, "p50"), (0.99, "p99")):
        for leg, values in waits.items():
            against = () if leg == BARE else (f"{label}, {BARE}",)
            found.add(f"{label}, {leg}", percentile(values, part) * 1000, against=against)


@contextlib.contextmanager
def _bare_loop(centre: Centre) -> Iterator[Client]:
    """The far end as a process, and a client to publish to it."""
    process = subprocess.Popen(  # noqa: S603 - a module of this package
        [sys.executable, "-m", "bench.loop", str(centre.broker.port), centre.database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    try:
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the bare loop did not start: exit code {process.wait(10)}")
        client.connect("127.0.0.1", centre.broker.port)
        client.loop_start()
        yield client
    finally:
        client.disconnect()
        client.loop_stop()
        process.stdin.close()
        process.stdout.close()
        process.wait(20)


@contextlib.asynccontextmanager
async def _line(centre: Centre, folder: Path) -> AsyncIterator[Line]:
    """Enrol, start, and wait until the first plan allows marking."""
    config = _config(centre, folder)
    code = centre.post("/api/v1/invitations", {"gateway": GATEWAY})["code"]
    await asyncio.to_thread(enrol, config, code, "bench", "")
    path = newest_journal(config.journal)
    assert path is not None
    line = _start(config, path)
    uplink = line.desk.uplink
    assert uplink is not None
    tasks = [asyncio.ensure_future(work) for work in (uplink.run(), line.station.run())]
    try:
        await _until_permitted(line)
        yield line
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        line.station.logbook.journal.close()
    for fault in ended:
        if isinstance(fault, Exception):
            raise fault


async def _until_permitted(line: Line) -> None:
    await at_rest(line.desk, line.station)
    async with asyncio.timeout(30):
        while True:
            coming = line.desk.coming_change
            plan = line.station.permission.plan
            if plan is not None and _may_mark(plan) and line.station.permission.answered:
                return
            await coming.wait()


def _may_mark(plan: Plan) -> bool:
    return any(order.state == "released" for order in plan.orders) and bool(plan.blocks)


def _start(config: GatewayConfig, path: Path) -> Line:
    identity = Identity.load(path)
    journal = open_journal(path, writable=True)
    logbook = Logbook(
        journal, Guard(GuardFile(config.guard.path)), TrustedClock(trust_hardware=True)
    )
    logbook.load()
    latches = Latches.beside(path)
    permission = Permission(logbook, latches, config.uplink.start_grace_s)
    boot = str(Boot(*journal.next_boot()))
    desk = Desk(GATEWAY, journal.epoch, boot, "sq", latches, logbook, permission)
    latches.on_change = desk.changed
    bed, receipts, intents = Bed(), Seen(), list[tuple[int, str, float]]()

    def told() -> None:
        """The uplink has heard something: whatever is committed now is confirmed."""
        now, committed = time.perf_counter(), journal.cursor().committed
        for seq, _, _ in intents[-3:]:
            if seq <= committed:
                receipts.note(str(seq), now)
        desk.changed()

    desk.uplink = Uplink(
        logbook=logbook,
        permission=permission,
        latches=latches,
        link=MqttLink(config.broker),
        patience=config.uplink,
        boot=boot,
        key=identity.key,
        receipt_key=lambda name: identity.public_key("receipt", permission.plan, name),
        plan_key=lambda name: identity.public_key("plan", permission.plan, name),
        on_change=told,
    )

    async def observe(when: str, _station: str, effect: Effect) -> None:
        if when == "after" and isinstance(effect, CommitIntent):
            now = time.perf_counter()
            opened = logbook.ledger.station("live").open
            assert opened is not None
            intents.append((opened.seq, opened.marks[0].text[0], now))

    station = Station(
        config=config.station[0],
        logbook=logbook,
        permission=permission,
        marker=MemoryMarker(bed, MARK_SECONDS),
        readers=(MemoryReader(bed),),
        on_change=desk.changed,
        observer=observe,
    )
    desk.stations["live"] = station
    return Line(desk, station, bed, intents, receipts)


def _config(centre: Centre, folder: Path) -> GatewayConfig:
    memory = {"kind": "memory", "url": "tcp://127.0.0.1:1"}
    return GatewayConfig.model_validate(
        {
            "gateway": GATEWAY,
            "journal": folder / "journal",
            "guard": {"path": folder / "guard", "same_disk": True},
            "broker": {"url": centre.broker.url},
            "central": {"url": centre.url},
            "station": [{"name": "live", "marker": memory, "reader": memory}],
        }
    )
