"""From where numbers may be issued: what the register says, and the guard off its disk.

following = issuing.begin(InDatabase(work), {"UMG.M70"})  # None: no block may be issued
if issuing.secure(beyond(following, {"UMG.M70": 1201})):
    ...                                                # issue up to 1200, and commit
issuing.confirm(InDatabase(another_work))              # what was committed counts from now on
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Protocol

from central.errors import (
    GjurmaError,
    IssueGuardUnreadable,
    IssueGuardUnwritable,
    RegisterOlder,
)
from central.register import incarnation
from central.register.acts import Work
from central.register.numbers import service as numbers
from central.register.numbers.guard import Following, Guard, Kept, beyond
from central.said import said

log = logging.getLogger("central.plan")


class Register(Protocol):
    """The side that a restore sets back, within one transaction."""

    def lock(self) -> None:
        """Until the transaction ends nobody else writes the guard."""

    def incarnation(self) -> int:
        """The UTC second at which a restore was declared last."""

    def awaits_reports(self) -> bool:
        """Whether it was restored, and not every gateway has reported since."""

    def may_issue(self) -> bool:
        """Whether all have reported now; notes it."""

    def following(self, spaces: Collection[str] | None) -> dict[str, int]:
        """What follows every number that it knows of; of all spaces where None."""

    def go_on_from(self, said: Following) -> None:
        """From now on it says no less."""


@dataclass(frozen=True)
class InDatabase:
    """The register on PostgreSQL, in the work's transaction."""

    work: Work

    def lock(self) -> None:
        numbers.lock_guard(self.work.connection)

    def incarnation(self) -> int:
        return incarnation.current(self.work.connection)

    def awaits_reports(self) -> bool:
        return numbers.awaits_reports(self.work.connection)

    def may_issue(self) -> bool:
        return numbers.may_issue(self.work)

    def following(self, spaces: Collection[str] | None) -> dict[str, int]:
        return numbers.following(self.work.connection, spaces)

    def go_on_from(self, said: Following) -> None:
        numbers.go_on_from(self.work, said)


class Issuing:
    """Asks both before a block is issued, and says once why none may be."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._kept = Kept({})
        """What the guard says, as it was read or written last."""
        self._spaces: Collection[str] = ()
        """The spaces of the last transaction."""
        self._told = ""
        """The code of what stands in the way."""

    def begin(self, register: Register, spaces: Collection[str]) -> dict[str, int] | None:
        """The next number of at least these spaces; None where no block may be issued now.

        A guard that is missing is made from the register, unless that was restored and may have
        forgotten what was issued. Raises `RegisterOlder` where the guard has seen more than the
        register holds.
        """
        self._spaces = spaces
        register.lock()
        waits = register.awaits_reports()
        try:
            kept = self._guard.read()
        except IssueGuardUnreadable as error:
            if waits:
                self._tell(
                    error,
                    "the database was restored and may have forgotten numbers that were issued; "
                    "'gjurma-central issue-beyond' says how far they were",
                )
                return None
            kept = Kept({})
        # All that a transaction reads before it writes is committed.
        committed = register.following(spaces if kept.next else None)
        seen = _seen(kept, register.incarnation(), committed)
        if waits:
            if not register.may_issue():
                return None
            # A guard that is lost later is made from the register: let that know no less.
            register.go_on_from(kept.next)
        following = beyond(kept.next, committed)
        self._kept = Kept(following, register.incarnation(), seen)
        if self._kept != kept and not self.secure(following):
            return None
        return following

    def secure(self, following: Following) -> bool:
        """Write it before numbers up to there are committed; False where that fails."""
        self._kept = replace(self._kept, next=following)
        try:
            self._guard.write(self._kept)
        except IssueGuardUnwritable as error:
            self._tell(error, "put its medium right; it is tried again by itself")
            return False
        if self._told:
            log.info("the guard %s is good: numbers are issued", self._guard.name)
            self._told = ""
        return True

    def confirm(self, register: Register) -> None:
        """Note what has been committed since: a register that lacks it is older from now on."""
        self.begin(register, self._spaces)

    def _tell(self, error: GjurmaError, advice: str) -> None:
        if self._told != error.code:
            log.error("%s: %s; no number is issued: %s", error.code, error, advice)
            self._told = error.code


def _seen(kept: Kept, ours: int, committed: Following) -> dict[str, int]:
    """Return what the guard has seen committed by now. Raises `RegisterOlder`.

    A restore that was declared may forget numbers, so a later incarnation begins anew.
    """
    if ours < kept.incarnation:
        raise RegisterOlder(
            said(
                "the guard of the numbers has seen incarnation {theirs}; this register is {ours}",
                theirs=kept.incarnation,
                ours=ours,
            )
        )
    if ours > kept.incarnation:
        return dict(committed)
    for space, number in sorted(committed.items()):
        if number < kept.seen.get(space, 1):
            raise RegisterOlder(
                said(
                    "{space}: the guard has seen {seen} numbers issued; this register holds {ours}",
                    space=space,
                    seen=kept.seen[space] - 1,
                    ours=number - 1,
                )
            )
    return beyond(kept.seen, committed)
