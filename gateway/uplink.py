"""The MQTT session: backoff with jitter, a last will, one batch in flight, receipts and plans in.

A PUBACK means nothing here: the broker has a batch, the register may not. Only a receipt does.
"""

import asyncio
import logging
import random
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gateway.config import UplinkConfig
from gateway.contract.errors import ContractError, JournalError
from gateway.contract.plan import Plan, decode_plan
from gateway.contract.receipt import Receipt, Refusal, decode_receipt
from gateway.contract.signed import SigningKey
from gateway.contract.topics import (
    RECORDS_EXPIRY_S,
    STATE_EVERY_S,
    Boot,
    PlanVersion,
    State,
    topic,
)
from gateway.details import detail, of_error
from gateway.journal import Cursor
from gateway.latches import Latches
from gateway.logbook import Logbook
from gateway.moves import Note
from gateway.outbox import Ignored, Latch, Less, Moved, next_batch, take_receipt
from gateway.permission import Permission
from gateway.plan import newer
from gateway.tasks import run_until_first

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.2
STEADY_S = 5.0
"""A session that ends sooner does not make the next pause short again. Two gateways of one name
throw each other out of the broker; each must stay long enough to hear from the register why."""


class LinkDown(Exception):
    """The broker cannot be reached, or the session is gone; `str()` says why."""


class TakenOver(LinkDown):
    """Another client came with this gateway's name; this one never connects again."""


class Session(Protocol):
    """One connection to the broker, without memory of those before.

    Everything raises `LinkDown` once the connection is gone, and `TakenOver` where the broker
    says that another client of this name took it.
    """

    async def subscribe(self, topics: Sequence[str]) -> None:
        """At QoS 1; returns when the broker has acknowledged."""

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> None:
        """At QoS 1; returns on the broker's PUBACK, which says nothing of the register."""

    def messages(self) -> AsyncIterator[tuple[str, bytes]]:
        """Topic and payload of what arrives, in order; iterated once."""


class Link(Protocol):
    """The way to the broker. Messages may be lost, doubled, late and out of order."""

    def session(
        self, name: str, will_topic: str, will: bytes
    ) -> AbstractAsyncContextManager[Session]:
        """Connect under this name, with a retained last will at QoS 1; raises `LinkDown`."""


@dataclass
class Uplink:
    """Everything that goes to central and comes back."""

    logbook: Logbook
    permission: Permission
    latches: Latches
    link: Link
    patience: UplinkConfig
    boot: str
    key: SigningKey
    receipt_key: Callable[[str], bytes | None]
    plan_key: Callable[[str], bytes | None]
    on_change: Callable[[], None] = lambda: None
    jitter: Callable[[float, float], float] = random.uniform
    """A number between two."""
    connected: bool = False
    refused: tuple[Refusal, ...] = ()
    refused_more: int = 0
    last_error: str = ""
    register_older: bool = False
    """The register confirms less than it has confirmed, and said so again when it was asked."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _receipt: asyncio.Event = field(default_factory=asyncio.Event)
    _told: State | None = None
    _early: tuple[Plan, bytes] | None = None
    """A plan that came before the receipt which says whether this journal is the true one."""
    _less: datetime | None = None
    """When the register first wrote a receipt that confirms less than an earlier one."""

    @property
    def gateway(self) -> str:
        return self.logbook.journal.gateway

    @property
    def waiting(self) -> int:
        """Records that the register has not confirmed."""
        journal = self.logbook.journal
        return journal.end - journal.cursor().committed

    def wake(self) -> None:
        """There may be something to send or to tell."""
        self._news.set()

    async def run(self) -> None:
        """Keep a session for ever. Only cancellation ends it, or another of this name."""
        if self.wake not in self.logbook.journal.listeners:
            self.logbook.journal.listeners.append(self.wake)
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE_S
        while True:
            try:
                will = State(epoch=self.logbook.journal.epoch, boot=self.boot, online=False)
                async with self.link.session(
                    self.gateway, topic(self.gateway, "state"), will.line()
                ) as session:
                    self._connection(up=True, error="")
                    began = loop.time()
                    try:
                        await self._session(session)
                    finally:
                        if loop.time() - began >= STEADY_S:
                            pause = FIRST_PAUSE_S
            except TakenOver:
                self._connection(up=False, error="another client took this name over")
                try:
                    self.latches.set("two-of-me", detail("session-given-away"))
                except OSError as fault:  # it holds in memory, and this ends all the same
                    log.error("the latch cannot be kept: %s", fault)  # noqa: TRY400
                raise
            except (LinkDown, OSError) as error:
                self._connection(up=False, error=str(error))
            await asyncio.sleep(pause * self.jitter(0.5, 1))
            pause = min(pause * 2, self.patience.backoff_max_s)

    def _connection(self, *, up: bool, error: str) -> None:
        """One log line a change, not one a failure."""
        if up != self.connected or (error and not self.last_error):
            log.info("broker: %s%s", "connected" if up else "away", f": {error}" if error else "")
        self.connected, self.last_error = up, error
        self.on_change()

    async def _session(self, session: Session) -> None:
        await session.subscribe([topic(self.gateway, "receipts"), topic(self.gateway, "plan")])
        self._told = None
        await run_until_first(self._listen(session), self._send(session), self._tell(session))

    # -- out

    async def _send(self, session: Session) -> None:
        """One batch without a receipt at a time; sent again when none comes."""
        patience = self.patience.resend_after_s
        while True:
            self._news.clear()
            batch = None if self.latches else next_batch(self.logbook.journal, self.boot, self.key)
            if batch is None:
                await self._news.wait()
                continue
            before = self.logbook.journal.cursor()
            await session.publish(topic(self.gateway, "records"), batch, expiry_s=RECORDS_EXPIRY_S)
            if await self._moves_from(before, patience):
                patience = self.patience.resend_after_s
            else:
                patience = min(patience * self.jitter(1, 1.5), 6 * self.patience.resend_after_s)

    async def _moves_from(self, before: Cursor, patience: float) -> bool:
        """Whether a receipt moves the cursor, on or back, within `patience` seconds."""
        deadline = asyncio.get_running_loop().time() + patience
        while self.logbook.journal.cursor() == before:
            self._receipt.clear()
            left = deadline - asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(left):
                    await self._receipt.wait()
            except TimeoutError:
                return False
        return True

    async def _tell(self, session: Session) -> None:
        """The retained state: at once, on a change, and every minute."""
        while True:
            self._told = state = self._state()
            await session.publish(topic(self.gateway, "state"), state.line(), retain=True)
            deadline = asyncio.get_running_loop().time() + self._state_every()
            while asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(0.25)
                self._take_early()
                if self._differs(self._state()):
                    break

    def _state_every(self) -> float:
        """Sooner until a receipt has answered this boot: marking waits for it."""
        return STATE_EVERY_S if self.permission.answered else self.patience.resend_after_s

    def _differs(self, state: State) -> bool:
        told = self._told
        return told is None or (state.plan, state.latches) != (told.plan, told.latches)

    def _state(self) -> State:
        plan = self.permission.plan
        latches = tuple(self.latches.causes) + tuple(
            f"unknown-outcome:{station}" for station in sorted(self.logbook.ledger.unknown)
        )
        if self.logbook.full:
            latches += ("journal-full",)
        if self.logbook.guard.silent:
            latches += ("guard-silent",)
        return State(
            epoch=self.logbook.journal.epoch,
            boot=self.boot,
            online=True,
            plan=PlanVersion(incarnation=plan.incarnation, version=plan.version) if plan else None,
            seq=self.logbook.journal.end,
            latches=latches,
            committed=self.logbook.journal.cursor().committed,
            receipt=self.logbook.journal.receipt(),
        )

    # -- in

    async def _listen(self, session: Session) -> None:
        async for where, payload in session.messages():
            if not payload:
                continue  # an empty message means nothing
            try:
                if where == topic(self.gateway, "receipts"):
                    receipt = decode_receipt(payload, self.receipt_key)
                    self._take_receipt(receipt, payload.decode())
                else:
                    self._take_plan(decode_plan(payload, self.plan_key), payload)
            except (ContractError, JournalError) as error:
                log.warning("%s: refused: %s", where, error)
            self._take_early()
            self.on_change()

    def _take_receipt(self, receipt: Receipt, payload: str = "") -> None:
        result = take_receipt(self.logbook.journal, receipt, payload)
        match result:
            case Latch(latch=latch, cause=cause):
                self.latches.set(latch, cause)
            case Moved():
                self.refused, self.refused_more = result.refused, result.refused_more
                self._less, self.register_older = None, False
                if receipt.boot == self.boot:
                    self.permission.answered = True
                    self.logbook.clock.sync(receipt.at)
                self._receipt.set()
            case Less(committed=committed):
                self._hear_less(committed, receipt.at)
            case Ignored(why=why):
                log.info("receipt ignored: %s", why)

    def _hear_less(self, committed: int, at: datetime) -> None:
        """Send the kept receipt at once: the register compares it with what it holds.

        A delayed receipt is outdated by the answer. No latch: a receipt that comes late must not
        end an epoch, and every record is kept until the register confirms it again.
        """
        if self._less is None:
            self._less, self._told = at, None
        elif at > self._less and not self.register_older:
            self.register_older = True
            log.error(
                "the register confirms %d records, and has confirmed %d: it was restored from a "
                "backup, and nobody has declared it; tell the registry",
                committed,
                self.logbook.journal.cursor().committed,
            )

    def _take_plan(self, plan: Plan, payload: bytes) -> None:
        journal = self.logbook.journal
        if plan.gateway != journal.gateway or self.latches:
            return
        if not newer(plan, journal.epoch, self.logbook.ledger.accepted):
            return
        if self.permission.awaiting:
            # A journal that the register is about to call rolled back must not grow; and nothing
            # is marked meanwhile. Retained, a plan is there before any receipt.
            if self._early is None or plan.which.key() > self._early[0].which.key():
                self._early = (plan, payload)
            return
        try:
            self.logbook.accept(plan, payload)
        except JournalError as error:
            # What central has replaced is no leave to mark, even if the new plan cannot be kept.
            self.permission.held = Note(error.code, (("detail", of_error(error)),))
            raise
        self.permission.plan, self.permission.held = plan, None
        log.info("plan %d.%d is in force", plan.incarnation, plan.version)

    def _take_early(self) -> None:
        """Accept what came too early, once a receipt has come or none is waited for any more."""
        if self._early is None or self.permission.awaiting:
            return
        early, self._early = self._early, None
        try:
            self._take_plan(*early)
        except (ContractError, JournalError) as error:
            log.warning("the plan is refused: %s", error)


async def report_latches(link: Link, gateway: str, epoch: int, latches: Latches) -> None:
    """Tell the register why this gateway has no journal to run on. Never returns.

    The start's counter is in the journal, so the state carries counter 0: any other start's word
    counts before it. It names neither plan nor end: nobody knows them.
    """
    where, boot = topic(gateway, "state"), str(Boot(0, secrets.token_hex(8)))
    will = State(epoch=epoch, boot=boot, online=False).line()
    state = State(epoch=epoch, boot=boot, online=True, latches=tuple(latches.causes)).line()
    fault = ""
    while True:
        try:
            async with link.session(gateway, where, will) as session:
                log.info("broker: connected; the latch is reported")
                await _repeat(session, where, state)
        except TakenOver:
            log.error("another client has this gateway's name; not connecting again")  # noqa: TRY400
            await asyncio.Event().wait()
        except (LinkDown, OSError) as error:
            if str(error) != fault:
                fault = str(error)
                log.info("broker: away: %s", fault)
        await asyncio.sleep(STEADY_S)


async def _repeat(session: Session, where: str, payload: bytes) -> None:
    """Publish every minute until the session is gone."""

    async def publish() -> None:
        while True:
            await session.publish(where, payload, retain=True)
            await asyncio.sleep(STATE_EVERY_S)

    async def listen() -> None:
        async for _ in session.messages():
            pass

    await run_until_first(listen(), publish())
