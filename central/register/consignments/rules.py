"""The life of a consignment and of each of its articles: what acts and scans make of them. Pure."""

from collections.abc import Mapping
from datetime import datetime

from central.errors import Conflict
from central.register.acts import Act
from central.register.articles.rules import STEPS as EVENTS
from central.register.articles.rules import Article
from central.register.consignments.models import (
    ARRIVALS,
    FROM,
    ConsignmentState,
    DifferenceKind,
    Direction,
    EndUserCertificate,
    Line,
    Outsiders,
    Resolution,
    Role,
    Standing,
    Stop,
)
from central.register.subject import Row, held, new
from central.said import Word, said

STEPS: Mapping[str, tuple[tuple[ConsignmentState | None, ...], ConsignmentState]] = {
    "reported": ((None,), "reported"),
    "cancelled": (("reported",), "cancelled"),
    "dispatched": (("reported", "dispatched"), "dispatched"),
    "arrived": (("reported", "dispatched"), "dispatched"),
    "receipt ended": (("dispatched",), "received"),
    "arrived late": (("received",), "received"),
    "differences resolved": (("received",), "received"),
    "closed": (("received",), "closed"),
}
"""By act, or by what an event tells of it: the states that it leads from (None: there is none),
and the state that it leads to. What has arrived has been sent, whether anybody told of it or not.
Overdue is before the end of its receipt and past `planned_arrival`: no act."""

ON_THE_WAY: tuple[ConsignmentState, ...] = ("reported", "dispatched")


class Consignment(Row):
    """A consignment as the register holds it. `reason` is that of the last act.

    `licence` covers the goods, `transport_licence` the carrier where it is an entity. `fault`: why
    it was not to be dispatched when it was; empty where nothing stood against it.
    """

    number: str
    direction: Direction
    licence: str
    transport_licence: str | None
    sender: str | None
    recipient: str | None
    carrier: str | None
    end_user: str | None
    outsiders: Outsiders
    certificate: EndUserCertificate | None
    route: tuple[Stop, ...]
    planned_dispatch: datetime
    planned_arrival: datetime
    state: ConsignmentState
    fault: str = ""
    reason: str
    created: datetime

    def entity(self, role: Role) -> str | None:
        """Who that is; None where it is nobody, or an outsider."""
        found: str | None = getattr(self, role)
        return found

    def is_of(self, entity: str) -> bool:
        """Whether it is theirs to see: as sender, as recipient, or as who carries it through."""
        through = self.direction == "transit" and entity == self.carrier
        return through or entity in (self.sender, self.recipient)

    def is_overdue(self, now: datetime) -> bool:
        """By the clock: no act."""
        return self.state in ON_THE_WAY and now >= self.planned_arrival


def apply(state: Consignment | None, act: Act) -> Consignment:
    """Raises `Conflict` where that step does not exist, or `NotFound`."""
    origins, target = STEPS[act.what]
    if act.what == "reported":
        new("consignment", state, act)
        return Consignment.of(act, state=target, reason=act.reason, created=act.at)
    consignment = held("consignment", state, act)
    if consignment.state not in origins:
        raise Conflict(
            said(
                "consignment {number} is {state}; not to be {act}",
                number=act.key,
                state=Word(consignment.state, "value"),
                act=Word(act.what, "act"),
            )
        )
    return consignment.model_copy(update={"state": target, "reason": act.reason, "version": act.id})


def told(consignment: Consignment, what: str, version: int, fault: str = "") -> Consignment | None:
    """After an event that names it. None: it is over, and the event is none of its way."""
    steps = ("dispatched",) if what == "dispatched" else ("arrived", "arrived late")
    for step in steps:
        origins, target = STEPS[step]
        if consignment.state in origins:
            return consignment.model_copy(
                update={"state": target, "fault": fault or consignment.fault, "version": version}
            )
    return None


def scanned(line: Line | None, code: str, what: str, event: str) -> Line:
    """What was scanned has left, or has come. Nothing goes back from there."""
    known = line or Line(code=code, listed=False, state="dispatched")
    if what == "dispatched":
        moved = "dispatched" if known.state == "awaited" else known.state
        return known.model_copy(update={"state": moved, "dispatched": known.dispatched or event})
    change: dict[str, object] = {"state": "received", "received": known.received or event}
    if known.received is None and known.resolution is not None:
        # What was thought to be of it is not: it has come.
        change |= {"resolution": None, "remark": ""}
    return known.model_copy(update=change)


def ended(line: Line) -> Line:
    """The receipt is complete: what is listed and was not named by it is short."""
    if line.listed and line.state in ("awaited", "dispatched"):
        return line.model_copy(update={"state": "short"})
    return line


def difference(line: Line) -> DifferenceKind | None:
    """How it differs from what was listed, whether that was resolved or not."""
    if line.listed:
        return "short" if line.state == "short" else None
    return "foreign" if line.received is None else "over"


def is_open(line: Line) -> bool:
    """Whether it differs, and nobody has said yet what became of it."""
    return difference(line) is not None and line.resolution is None


def resolved(line: Line, resolution: Resolution, remark: str) -> Line:
    """Raises `Conflict` where there is nothing to resolve."""
    if not is_open(line):
        raise Conflict(said("article {code} makes no difference that stands", code=line.code))
    return line.model_copy(update={"resolution": resolution, "remark": remark})


def standing(line: Line, consignment: Consignment, article: Article | None) -> Standing:
    """Where it is, by the scans of this consignment and by what else is told of the article.

    Of what is in dispute, or unknown, the scans alone say it.
    """
    if article is None or article.disputed:
        return line.state
    if line.state == "awaited":
        return "awaited" if _may_still_go(consignment, article) else "elsewhere"
    if line.state == "dispatched":
        return "dispatched" if article.disposition == "in-transit" else "elsewhere"
    return line.state


def _may_still_go(consignment: Consignment, article: Article) -> bool:
    """Its sender has it; or, where that is abroad, it may come in."""
    if FROM[consignment.direction] == "sender":
        ready = article.disposition in EVENTS["dispatched"][0]
        return ready and article.holder == consignment.sender
    arrivals = ARRIVALS[consignment.direction]
    return any(article.disposition in EVENTS[what][0] for what in arrivals)
