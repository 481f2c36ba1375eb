"""The journal as the gateway writes it: common fields filled in, the ledger kept beside it.

Room is kept for what a cycle still has to say: an intent is refused while the reserve is not
whole, and every later record may use it.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.clock import TrustedClock
from gateway.contract.errors import JournalFull
from gateway.contract.plan import Plan
from gateway.contract.record import Accepted, Record
from gateway.details import detail
from gateway.guard import Guard, Mark
from gateway.journal import Journal
from gateway.ledger import Ledger
from gateway.plan import spans


@dataclass(frozen=True)
class Author:
    """Who is behind a record: a person's pseudonym, and how they showed who they are."""

    person: str | None = None
    auth: Literal["badge", "pin", "none"] = "none"


NOBODY = Author()


@dataclass(frozen=True)
class Draft:
    """A record but for the fields that every record has."""

    record: Callable[..., Record]
    fields: dict[str, Any]


def new_salt() -> str:
    """128 random bits, in hex."""
    return secrets.token_hex(16)


@dataclass
class Logbook:
    """The one writer of the journal."""

    journal: Journal
    guard: Guard
    clock: TrustedClock
    ledger: Ledger = field(init=False)
    full: bool = False
    salt: Callable[[], str] = new_salt

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.journal.gateway, self.journal.epoch)

    def load(self) -> None:
        """Fold what the journal holds; raises `JournalCorrupt` or `ContractError`."""
        for record in self.journal.records():
            self._take_in(record)

    def append(
        self, *drafts: Draft, station: str | None = None, author: Author = NOBODY
    ) -> tuple[Record, ...]:
        """Journal records in one commit. Raises `JournalFull` only when the reserve is used up."""
        builders = [self._builder(draft, station, author) for draft in drafts]
        try:
            records = self.journal.append(*builders)
        except JournalFull:
            self.full = True
            self.journal.release_reserve()
            records = self.journal.append(*builders)
        for record in records:
            self._take_in(record)
        return records

    def begin(self, draft: Draft, station: str, author: Author) -> Record:
        """Journal an intent; raises `JournalFull` unless the whole cycle has room."""
        if self.lacks_room():
            raise JournalFull(detail("no-room-for-cycle", journal=self.journal.name))
        (record,) = self.journal.append(self._builder(draft, station, author))
        self._take_in(record)
        return record

    def lacks_room(self) -> bool:
        """Whether the reserve could not be made whole; looks again at every call."""
        self.full = not self.journal.restore_reserve()
        return self.full

    def accept(self, plan: Plan, payload: bytes) -> None:
        """Journal that a plan is in force from here; it may use the reserve, as it may forbid."""
        draft = Draft(
            Accepted,
            {
                "incarnation": plan.incarnation,
                "version": plan.version,
                "lease_until": plan.lease_until,
                "blocks": spans(plan),
            },
        )
        build = self._builder(draft, None, NOBODY)
        which = plan.incarnation, plan.version
        try:
            record = self.journal.accept_plan(*which, payload, build)
        except JournalFull:
            self.full = True
            self.journal.release_reserve()
            record = self.journal.accept_plan(*which, payload, build)
        self._take_in(record)

    def write_guard(self) -> None:
        """Note the journal's end in the guard; raises OSError. May block."""
        self.guard.write(self._end())

    async def keep_guard(self) -> None:
        """Note the journal's end in the guard, beside the event loop; raises OSError."""
        await self.guard.keep(self._end)

    def _end(self) -> Mark:
        journal = self.journal
        return Mark(journal.gateway, journal.epoch, journal.end, journal.head)

    def _builder(
        self, draft: Draft, station: str | None, author: Author
    ) -> Callable[[int], Record]:
        def build(seq: int) -> Record:
            return draft.record(
                seq=seq,
                at=self.clock.now(),
                clock=self.clock.state(),
                station=station,
                operator=author.person,
                operator_auth=author.auth,
                salt=self.salt(),
                **draft.fields,
            )

        return build

    def _take_in(self, record: Record) -> None:
        self.ledger.apply(record)
        self.clock.journalled(record.at, record.clock)
