"""What people at the line see and may do; behind the page and behind the local socket alike."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from gateway import signoff
from gateway.contract.encoding import format_time
from gateway.contract.plan import Person, Plan
from gateway.contract.record import Counted
from gateway.details import as_json
from gateway.latches import Latches
from gateway.logbook import Author, Logbook
from gateway.moves import (
    Note,
)
from gateway.numbering import MarkAt
from gateway.permission import Permission
from gateway.pictures import Pictures
from gateway.plan import person_by_badge
from gateway.screen import holds
from gateway.screen.report import NoReport, Report
from gateway.screen.report import read as read_report
from gateway.screen.snapshot import station_view
from gateway.screen.typed import content_of
from gateway.screen.veil import veil
from gateway.station import NotNow, Station
from gateway.uplink import Uplink

Settlement: TypeAlias = Literal["accepted", "remark", "scrapped", "voided"]
DECIDERS = frozenset({"shift-lead", "quality"})
"""At least one of the two who settle has one of these roles."""
APPROVER = "shift-lead"
"""Who approves the first piece of an order."""
SESSION_S = 12 * 3600
REPORTS_S = 600
"""How long the browser at which a shift's end was signed may fetch that shift's reports."""
TRIES, TRIES_S = 5, 60
"""Wrong PINs of one badge before it has to wait."""
SCANS = 20
"""Badges that nobody knows, in that time, before a badge alone is not enough for a while."""


@dataclass(frozen=True)
class Session:
    """Somebody signed in at the screen."""

    person: Person
    until: float
    auth: Literal["badge", "pin"] = "pin"

    @property
    def author(self) -> Author:
        return Author(self.person.id, self.auth)


@dataclass(frozen=True)
class Credentials:
    """A badge's text as it is scanned or typed, and the PIN that goes with it."""

    badge: str
    pin: str


@dataclass
class Desk:
    """The gateway as people meet it. With a latched journal there are no stations."""

    gateway: str
    epoch: int
    boot: str
    language: str
    latches: Latches
    logbook: Logbook | None = None
    permission: Permission | None = None
    uplink: Uplink | None = None
    stations: dict[str, Station] = field(default_factory=dict)
    needs_pin: bool = False
    """A badge alone signs nobody in."""
    pictures: Pictures | None = None
    _sessions: dict[str, Session] = field(default_factory=dict)
    _signed_ends: dict[str, tuple[int, float]] = field(default_factory=dict)
    """By token: the record of a shift's end that was signed there, and until when it counts."""
    _failures: dict[str, list[float]] = field(default_factory=dict)
    _unknown: list[float] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _changes: int = 0
    _hasher: PasswordHash = field(default_factory=lambda: PasswordHash((Argon2Hasher(),)))

    # -- news

    def changed(self) -> None:
        """Something that `snapshot` shows is different now."""
        self._changes += 1
        event, self._changed = self._changed, asyncio.Event()
        event.set()

    @property
    def coming_change(self) -> asyncio.Event:
        """Set at the next change; taken before `snapshot`, so that none in between is missed."""
        return self._changed

    async def picture(self, name: str) -> bytes | None:
        """A picture that is kept, by the name that `snapshot` gave it, as the page may show it."""
        kept = None if self.pictures is None else await asyncio.to_thread(self.pictures.read, name)
        return None if kept is None else await asyncio.to_thread(veil, kept)

    # -- who

    async def sign_in(self, credentials: Credentials) -> str:
        """A session's token; raises `NotNow` with the reason."""
        person = await self._prove(credentials)
        return self._open(person, "pin")

    def sign_in_by_badge(self, badge: str) -> str:
        """A session's token, for a badge that was scanned; raises `NotNow` with the reason.

        Badges that nobody knows are counted together, since each guess is another badge. Who types
        the PIN as well is let in all the same: nobody is locked out by another's guesses.
        """
        if self.needs_pin:
            raise NotNow(Note("pin-too"))
        since = time.monotonic() - TRIES_S
        self._unknown = [at for at in self._unknown if at > since]
        if len(self._unknown) >= SCANS:
            raise NotNow(Note("pin-too"))
        person = person_by_badge(self._plan(), badge_hash(badge), self._now())
        if person is None:
            self._unknown.append(time.monotonic())
            raise NotNow(Note("badge-not-known"))
        return self._open(person, "badge")

    def _open(self, person: Person, auth: Literal["badge", "pin"]) -> str:
        token = secrets.token_urlsafe(24)
        self._keep_sessions(frozenset())
        self._sessions[token] = Session(person, time.monotonic() + SESSION_S, auth)
        return token

    def sign_out(self, token: str) -> None:
        self._sessions.pop(token, None)

    def _keep_sessions(self, gone: frozenset[str]) -> None:
        """Those that have not ended, but for these people's."""
        now = time.monotonic()
        self._sessions = {
            token: each
            for token, each in self._sessions.items()
            if each.until >= now and each.person.id not in gone
        }

    def session(self, token: str | None) -> Session | None:
        """The session of a token, while the plan in force still has that person."""
        found = self._sessions.get(token or "")
        if found is None or time.monotonic() > found.until:
            return None
        if person_by_badge(self._plan(), found.person.badge, self._now()) is None:
            return None
        return found

    async def _prove(self, credentials: Credentials) -> Person:
        badge = badge_hash(credentials.badge)
        since = time.monotonic() - TRIES_S
        self._failures = {key: at for key, at in self._failures.items() if at[-1] > since}
        recent = [at for at in self._failures.get(badge, []) if at > since]
        if len(recent) >= TRIES:
            raise NotNow(Note("too-many-tries"))
        # Counted before it is checked: tries sent side by side count as well.
        self._failures[badge] = [*recent, time.monotonic()]
        person = person_by_badge(self._plan(), badge, self._now())
        valid = person is not None and await asyncio.to_thread(
            self._hasher.verify, credentials.pin, person.pin
        )
        if person is None or not valid:
            raise NotNow(Note("not-known"))
        self._failures.pop(badge, None)
        return person

    async def _two_people(self, witnesses: list[Credentials]) -> tuple[str, str]:
        if len(witnesses) != 2:
            raise NotNow(Note("two-people"))
        first, second = [await self._prove(witness) for witness in witnesses]
        if first.id == second.id:
            raise NotNow(Note("two-people"))
        if not DECIDERS & {*first.roles, *second.roles}:
            raise NotNow(Note("no-decider"))
        return first.id, second.id

    # -- what they may do

    def station(self, name: str) -> Station:
        if name not in self.stations:
            raise NotNow(Note("no-station", (("station", name),)))
        return self.stations[name]

    def check_part(self, name: str, author: Author, typed: str | None) -> None:
        """Read what lies at a station, or take what somebody types of it. Raises `NotNow`."""
        station = self.station(name)
        if typed is not None:
            typed = content_of(typed, {*station.logbook.ledger.awaiting, *station.due_reads()})
        station.check_part(author, typed)

    def type_in(self, name: str, author: Author, intent: int, typed: str, position: int) -> None:
        """What somebody types of the symbol at a place. Raises `NotNow`."""
        station = self.station(name)
        opened = station.cycle.open
        marks = () if opened is None else opened.marks
        here = [mark.content for mark in marks if mark.position == position]
        station.type_in(author, intent, content_of(typed, here), position)

    async def settle(
        self,
        station: str,
        intent: int,
        how: Settlement,
        reason: str,
        witnesses: list[Credentials],
        positions: frozenset[int] | None = None,
    ) -> None:
        """Two named people say what became of an intent's numbers, or of those at some places.

        Raises `NotNow`.
        """
        await self._decide(
            reason,
            witnesses,
            lambda names: self.station(station).settle(
                intent, how, reason.strip(), names, positions
            ),
        )

    async def settle_earlier(
        self,
        station: str,
        part: MarkAt,
        how: Settlement,
        reason: str,
        witnesses: list[Credentials],
    ) -> None:
        """Two named people decide of a part that the station made before. Raises `NotNow`."""
        await self._decide(
            reason,
            witnesses,
            lambda names: self.station(station).settle_earlier(part, how, reason.strip(), names),
        )

    async def unlatch(
        self, station: str, intent: int, reason: str, witnesses: list[Credentials]
    ) -> None:
        """Two named people free the station; the number stays unknown. Raises `NotNow`."""
        await self._decide(
            reason,
            witnesses,
            lambda names: self.station(station).unlatch(intent, reason.strip(), names),
        )

    async def say_of_first_piece(
        self, station: str, seq: int, reason: str, witness: Credentials, *, approves: bool
    ) -> None:
        """A shift lead who did not mark it approves a first piece, or sets it aside with a reason.

        `seq` is the record that announced the piece.

        Raises `NotNow`.
        """
        if not approves and not reason.strip():
            raise NotNow(Note("no-reason"))
        self._must_be_unlatched()
        person = await self._prove(witness)
        if APPROVER not in person.roles:
            raise NotNow(Note("no-shift-lead"))
        say = signoff.approve_first if approves else signoff.refuse_first
        say(self.station(station), seq, person.id, reason.strip())
        self.changed()

    async def end_shift(
        self,
        station: str,
        first: int,
        counted: Mapping[str, Counted],
        operator: Credentials,
        lead: Credentials | None,
        reason: str,
    ) -> int:
        """An operator signs a shift's counts, with a shift lead where hand and journal differ.

        `first` is the shift's first record. Returns the record's seq; raises `NotNow`.
        """
        self._must_be_unlatched()
        person = await self._prove(operator)
        second = None if lead is None else await self._prove(lead)
        if second is not None and APPROVER not in second.roles:
            raise NotNow(Note("no-shift-lead"))
        if second is not None and second.id == person.id:
            raise NotNow(Note("two-people"))
        if second is not None and not reason.strip():
            raise NotNow(Note("no-reason"))
        author, signs = Author(person.id, "pin"), None if second is None else second.id
        here = self.station(station)
        seq = signoff.end_shift(here, first, author, counted, signs, reason.strip())
        # The next shift's marks are made under no badge of this one, at whatever screen.
        self._keep_sessions(frozenset({person.id} if second is None else {person.id, second.id}))
        self.changed()
        return seq

    def signed_end(self, seq: int) -> str:
        """Return a token with which the reports of that shift alone are fetched.

        Who signs the end of a shift is signed out by it, and has shown badge and PIN for it.
        """
        now, token = time.monotonic(), secrets.token_urlsafe(24)
        ends = {key: end for key, end in self._signed_ends.items() if end[1] >= now}
        self._signed_ends = ends | {token: (seq, now + REPORTS_S)}
        return token

    def may_fetch_report(self, token: str | None, signed_end: str | None, seq: int) -> bool:
        """Whether a browser is signed in, or that shift's end was signed at it a while ago."""
        if self.session(token) is not None:
            return True
        ended, until = self._signed_ends.get(signed_end or "", (0, 0.0))
        return ended == seq and time.monotonic() <= until

    async def report(self, station: str, seq: int, order: str) -> Report:
        """An order's report of a shift that was ended. Raises `NoReport`, or `NotNow`."""
        if self.logbook is None:
            raise NoReport
        return await read_report(self.logbook.journal, self.station(station).name, seq, order)

    async def _decide(
        self,
        reason: str,
        witnesses: list[Credentials],
        act: Callable[[tuple[str, str]], None],
    ) -> None:
        if not reason.strip():
            raise NotNow(Note("no-reason"))
        self._must_be_unlatched()
        act(await self._two_people(witnesses))
        self.changed()

    def _must_be_unlatched(self) -> None:
        for latch, cause in self.latches.causes.items():
            raise NotNow(Note(latch, (("cause", cause),)))

    # -- what they see

    def snapshot(self) -> dict[str, Any]:
        """Everything the screen shows, as JSON; texts are codes of the catalogues."""
        now, plan = datetime.now(UTC), self._plan()
        trusted = self.logbook.clock.trusted() if self.logbook else False
        return {
            "gateway": self.gateway,
            "epoch": self.epoch,
            "boot": self.boot,
            "change": self._changes,
            "now": format_time(now),
            "language": self.language,
            "latches": [
                {"latch": key, "cause": cause, "detail": as_json(cause)}
                for key, cause in self.latches.causes.items()
            ],
            "hold": next((holds.page(latch) for latch in self.latches.causes), None),
            "link": self._link(),
            "lease_until": format_time(plan.lease_until) if plan else None,
            "lease_now": format_time(self._now()) if trusted else None,
            "time_trusted": trusted,
            "stations": [station_view(station, now) for station in self.stations.values()],
        }

    def _link(self) -> dict[str, Any]:
        if self.uplink is None:
            return {
                "connected": False,
                "waiting": 0,
                "refused": [],
                "refused_more": 0,
                "register_older": False,
            }
        return {
            "connected": self.uplink.connected,
            "waiting": self.uplink.waiting,
            "refused": [refusal.model_dump(mode="json") for refusal in self.uplink.refused],
            "refused_more": self.uplink.refused_more,
            "register_older": self.uplink.register_older,
        }

    def _plan(self) -> Plan | None:
        return self.permission.plan if self.permission else None

    def _now(self) -> datetime:
        return self.logbook.clock.lease_now() if self.logbook else datetime.now(UTC)


def badge_hash(badge: str) -> str:
    """How a plan names a badge: SHA-256 of `gjurma/v1/badge\\n` and its text, in hex."""
    return hashlib.sha256(b"gjurma/v1/badge\n" + badge.strip().encode()).hexdigest()
