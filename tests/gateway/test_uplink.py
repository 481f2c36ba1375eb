"""What the uplink does with what comes in, without a broker: receipts and plans."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from gateway.config import BrokerConfig, UplinkConfig
from gateway.contract.errors import JournalFull
from gateway.contract.plan import Plan, encode_plan
from gateway.contract.receipt import encode_receipt
from gateway.contract.record import Accepted
from gateway.contract.signed import SigningKey
from gateway.contract.topics import Boot, State
from gateway.link import MqttLink
from gateway.plan import Permit
from gateway.uplink import LinkDown, TakenOver, Uplink, report_latches
from tests.gateway.desk import Site, plan
from tests.gateway.records import GATEWAY, NOON
from tests.gateway.test_outbox import receipt
from tests.simulation.loop import SimLoop, run

KEY = SigningKey.from_bytes(bytes(32))
BOOT = "4-0123456789abcdef"


@pytest.fixture
def uplink(site: Site) -> Uplink:
    return Uplink(
        logbook=site.logbook,
        permission=site.permission,
        latches=site.latches,
        link=MqttLink(BrokerConfig(url="mqtt://127.0.0.1:1")),
        patience=UplinkConfig(),
        boot=BOOT,
        key=KEY,
        receipt_key=lambda _: KEY.public,
        plan_key=lambda _: KEY.public,
    )


def take(uplink: Uplink, made: Plan) -> None:
    uplink._take_plan(made, encode_plan(made, KEY))


def accepted(site: Site) -> list[int]:
    return [each.version for each in site.journal.records() if isinstance(each, Accepted)]


def test_a_plan_is_journalled_before_it_is_used_and_never_again(site: Site, uplink: Uplink) -> None:
    site.permission.answered = True
    site.permission.answered = True
    for version in (1, 1, 3, 2):
        take(uplink, plan(version=version))
    assert accepted(site) == [1, 3]
    assert site.permission.plan == plan(version=3)
    assert site.journal.plan_at(0) == encode_plan(plan(version=3), KEY)


def test_a_plan_that_comes_before_the_first_receipt_waits_for_it(
    site: Site, uplink: Uplink
) -> None:
    """Until then the register may yet say that this journal was rolled back: it must not grow."""
    end = site.journal.end
    for version in (1, 3, 2):
        take(uplink, plan(version=version))
    uplink._take_early()
    assert site.journal.end == end
    assert site.permission.plan is None
    site.permission.answered = True
    uplink._take_early()
    assert accepted(site) == [3]
    assert site.permission.plan == plan(version=3)


def test_a_plan_of_another_gateway_or_epoch_or_under_a_latch_is_not_taken(
    site: Site, uplink: Uplink
) -> None:
    site.permission.answered = True
    take(uplink, plan().model_copy(update={"gateway": "polican.line-1"}))
    take(uplink, plan().model_copy(update={"epoch": 2}))
    site.latches.set("forked", "because")
    take(uplink, plan())
    assert accepted(site) == []
    assert site.permission.plan is None


def test_a_guard_that_does_not_answer_is_told_to_the_register(site: Site, uplink: Uplink) -> None:
    site.logbook.guard.silent = True
    assert uplink._state().latches == ("guard-silent",)
    site.logbook.guard.silent = False
    assert uplink._state().latches == ()


def test_a_plan_that_cannot_be_kept_stops_marking_under_the_one_before(
    site: Site, uplink: Uplink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be the one that suspends; it comes again, for the state tells the older version."""
    site.permission.answered = True
    take(uplink, plan(version=1))
    assert isinstance(site.permission.ask("o1"), Permit)

    def full(*_: object) -> None:
        raise JournalFull("no room")

    with monkeypatch.context() as patched:
        patched.setattr(site.journal.store, "add", full)
        with pytest.raises(JournalFull):
            take(uplink, plan(version=2, state="suspended"))
    held = site.permission.ask("o1")
    assert not isinstance(held, Permit)
    assert held.code == "journal-full"
    state = uplink._state()
    assert state.plan is not None
    assert state.plan.version == 1
    take(uplink, plan(version=2, state="suspended"))
    suspended = site.permission.ask("o1")
    assert not isinstance(suspended, Permit)
    assert suspended.code == "order-suspended"


def test_only_a_receipt_for_this_boot_opens_the_gate_and_tells_the_time(
    site: Site, uplink: Uplink
) -> None:
    site.logbook.clock = site.time.clock(synchronised=False)
    uplink._take_receipt(receipt(site.journal, 1, boot="3-0123456789abcdef"))
    assert not site.permission.answered
    assert not site.logbook.clock.trusted()
    assert uplink.waiting == 0
    uplink._take_receipt(receipt(site.journal, 1, boot=BOOT))
    assert site.permission.answered
    assert site.logbook.clock.trusted()


def test_a_register_that_confirms_less_is_asked_at_once_and_then_told_of(
    site: Site, uplink: Uplink
) -> None:
    signed = encode_receipt(receipt(site.journal, 1), KEY).decode()
    uplink._take_receipt(receipt(site.journal, 1), signed)

    def less(seconds: float) -> tuple[bool, bool]:
        uplink._told = uplink._state()
        uplink._take_receipt(receipt(site.journal, 0, at=NOON + timedelta(seconds=seconds)))
        return uplink._differs(uplink._state()), uplink.register_older

    assert less(1) == (True, False), "it may be a receipt that comes late"
    state = uplink._state()
    assert (state.committed, state.receipt) == (1, signed)
    assert less(1) == (False, False), "the same one, doubled"
    assert less(2) == (False, True)
    assert not site.latches.causes, "a late receipt must not end an epoch"
    uplink._take_receipt(receipt(site.journal, 0, incarnation=2))
    assert not uplink.register_older, "the restore was declared"
    assert uplink.waiting == 1, "the record is sent again"


def test_a_receipt_that_contradicts_latches_and_moves_nothing(site: Site, uplink: Uplink) -> None:
    uplink._take_receipt(receipt(site.journal, 5, boot=BOOT))
    assert list(site.latches.causes) == ["rolled-back"]
    assert not site.permission.answered
    assert uplink.waiting == 1
    assert uplink._state().latches == ("rolled-back",)


class Lasting:
    """A link whose sessions are lost after so many seconds each; the last one stays."""

    def __init__(self, *seconds: float) -> None:
        self._seconds = list(seconds)
        self.up: list[float] = []
        self.lost: list[float] = []
        self.stays = asyncio.Event()

    @asynccontextmanager
    async def session(self, name: str, will_topic: str, will: bytes) -> AsyncIterator["Lasting"]:
        self.up.append(asyncio.get_running_loop().time())
        yield self

    async def subscribe(self, topics: Sequence[str]) -> None:
        pass

    async def publish(self, topic: str, payload: bytes, **options: object) -> None:
        pass

    async def messages(self) -> AsyncIterator[tuple[str, bytes]]:
        if not self._seconds:
            self.stays.set()
            await asyncio.Event().wait()
        await asyncio.sleep(self._seconds.pop(0))
        self.lost.append(asyncio.get_running_loop().time())
        raise LinkDown("lost")
        yield


def test_a_name_that_two_fight_over_is_left_alone_for_longer_and_longer(uplink: Uplink) -> None:
    """Or neither would be connected for as long as it takes to hear that there are two."""

    async def fight(_loop: SimLoop) -> Lasting:
        link = Lasting(*[0.1] * 10, 60, 0.1)
        uplink.link, uplink.jitter = link, lambda _low, high: high
        working = asyncio.ensure_future(uplink.run())
        await link.stays.wait()
        assert not working.done()
        return link

    link = run(fight)
    pauses = [round(up - lost, 3) for lost, up in zip(link.lost, link.up[1:], strict=True)]
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30, 0.2, 0.4]


class Reported(Lasting):
    """Keeps what is published on it; once all its sessions were lost, another takes the name."""

    def __init__(self, *seconds: float) -> None:
        super().__init__(*seconds)
        self.wills: list[bytes] = []
        self.states: list[State] = []

    @asynccontextmanager
    async def session(self, name: str, will_topic: str, will: bytes) -> AsyncIterator["Lasting"]:
        self.wills.append(will)
        async with super().session(name, will_topic, will) as session:
            yield session

    async def publish(self, topic: str, payload: bytes, **options: object) -> None:
        assert (topic, options) == (f"gjurma/v1/{GATEWAY}/state", {"retain": True})
        self.states.append(State.from_line(payload))

    async def messages(self) -> AsyncIterator[tuple[str, bytes]]:
        if not self._seconds:
            self.stays.set()
            raise TakenOver("another")
        async for message in super().messages():
            yield message


def test_a_gateway_whose_journal_cannot_be_opened_says_so(site: Site) -> None:
    site.latches.set("journal-corrupt", "a byte")

    async def report(_loop: SimLoop) -> Reported:
        link = Reported(130, 1)
        working = asyncio.ensure_future(report_latches(link, GATEWAY, 3, site.latches))
        await link.stays.wait()
        await asyncio.sleep(300)
        assert not working.done()
        return link

    link = run(report)
    assert len(link.up) == 3, "who lost the name to another does not take it back"
    assert len(link.states) == 3 + 1 + 1, "at once and each minute"
    assert len({state.line() for state in link.states}) == 1
    state = link.states[0]
    assert (state.epoch, state.online, state.latches) == (3, True, ("journal-corrupt",))
    assert (state.plan, state.seq) == (None, None)
    assert Boot.parse(state.boot).counter == 0
    assert {State.from_line(will).online for will in link.wills} == {False}


async def test_a_broker_that_accepts_and_closes_is_away_at_once() -> None:
    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.close()

    listening = await asyncio.start_server(closes, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    link = MqttLink(BrokerConfig(url=f"mqtt://127.0.0.1:{port}"))
    with pytest.raises(LinkDown, match="before it answered"):
        async with asyncio.timeout(5), link.session(GATEWAY, "will", b""):
            pass
    listening.close()
    await listening.wait_closed()
