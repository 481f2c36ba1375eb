"""The steps of a count, and the state that follows from each act. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from central.errors import Conflict, Forbidden
from central.register.acts import Act
from central.register.stock.models import CountKind, CountState
from central.register.subject import Row, held, new
from central.said import Word, said

STEPS: Mapping[str, tuple[tuple[CountState | None, ...], CountState]] = {
    "planned": ((None,), "planned"),
    "opened": (("planned",), "open"),
    "scanned": (("open",), "open"),
    "handed in": (("open",), "open"),
    "compared": (("open",), "counted"),
    "looked again": (("counted",), "counted"),
    "differences resolved": (("counted",), "counted"),
    "closed": (("counted",), "closed"),
    "cancelled": (("planned", "open"), "cancelled"),
}
"""By act: the states that it leads from (None: there is none), and the state that it leads to. It
is compared at once when the second tally is handed in. Overdue is by the clock: no act."""
RUNNING: tuple[CountState, ...] = ("planned", "open", "counted")
TALLIES = (1, 2)


class Count(Row):
    """A count as the register holds it. `reason` is that of the last act that gave one.

    `first`, `second`: the accounts whose tallies they are; the persons whose accounts those are
    stand in `people`. `opened`: the act in which what was expected is kept, as of `moment`;
    `compared`: the act of the comparison.
    """

    number: str
    place: str
    entity: str
    kind: CountKind
    products: tuple[str, ...]
    articles: tuple[str, ...]
    due: datetime
    state: CountState
    reason: str
    places: tuple[str, ...] = ()
    opened: int | None = None
    moment: datetime | None = None
    first: str | None = None
    second: str | None = None
    people: tuple[str, ...] = ()
    first_handed: datetime | None = None
    second_handed: datetime | None = None
    compared: int | None = None
    ended: datetime | None = None
    created: datetime

    def tally_of(self, account: str, person: str) -> int:
        """Which is theirs, or would be. Raises `Conflict` or `Forbidden`."""
        if self.state != "open":
            raise Conflict(
                said(
                    "count {number} is {state}; nothing is scanned",
                    number=self.number,
                    state=Word(self.state, "value"),
                )
            )
        if account in (self.first, self.second):
            return 1 if account == self.first else 2
        if self.second is not None:
            raise Conflict(said("count {number} has its two tallies already", number=self.number))
        if person in self.people:
            raise Forbidden(
                said(
                    "{account} is the same person as {first}: two people count",
                    account=account,
                    first=self.first,
                )
            )
        return 1 if self.first is None else 2

    def handed(self, tally: int) -> datetime | None:
        """When it was handed in."""
        return self.first_handed if tally == 1 else self.second_handed

    def has_counted(self, account: str, person: str) -> bool:
        """Whether they are one of the two."""
        return account in (self.first, self.second) or person in self.people

    @property
    def is_blind(self) -> bool:
        """Whether nobody may see yet what is expected, or what another has counted."""
        return self.state in ("planned", "open")

    def is_overdue(self, now: datetime) -> bool:
        """By the clock: no act."""
        return self.state in RUNNING and now >= self.due


def apply(state: Count | None, act: Act) -> Count:
    """Raises `Conflict` where that step does not exist, or `NotFound`."""
    origins, target = STEPS[act.what]
    if act.what == "planned":
        new("count", state, act)
        return Count.of(act, number=act.key, state=target, reason=act.reason, created=act.at)
    count = held("count", state, act)
    if count.state not in origins:
        raise Conflict(
            said(
                "count {number} is {state}; not to be {act}",
                number=act.key,
                state=Word(count.state, "value"),
                act=Word(act.what, "act"),
            )
        )
    change = {"state": target, "reason": act.reason or count.reason, "version": act.id}
    return count.model_copy(update=change | _changes(count, act))


def _changes(count: Count, act: Act) -> dict[str, Any]:
    match act.what:
        case "opened":
            places = tuple(act.payload["places"])
            return {"places": places, "opened": act.id, "moment": act.at}
        case "scanned" | "handed in":
            return _tallied(count, act)
        case "compared":
            return {"compared": act.id}
        case "closed" | "cancelled":
            return {"ended": act.at}
    return {}


def _tallied(count: Count, act: Act) -> dict[str, Any]:
    tally: int = act.payload["tally"]
    name = "first" if tally == 1 else "second"
    if count.handed(tally) is not None:
        raise Conflict(
            said("the first tally of count {number} is handed in", number=act.key)
            if tally == 1
            else said("the second tally of count {number} is handed in", number=act.key)
        )
    change: dict[str, Any] = {}
    if getattr(count, name) is None:
        people = (*count.people, act.payload["person"])
        change = {name: act.payload["account"], "people": people}
    if act.what == "handed in":
        change[f"{name}_handed"] = act.at
    return change
