"""What an event makes of an article: the one table of legal steps, and what is kept in dispute.

Pure. A report of what has happened is never refused: where it cannot be as it is told, the article
stays as it was, and is disputed until a person settles it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from central.register.articles.models import ArticleKind, Disposition, EventKind, Verdict
from central.register.ownership import may_report, owns
from central.register.subject import Row

HELD: tuple[Disposition, ...] = ("commissioned", "in-store", "received", "in-repair", "found")
"""Somebody has it who is not its user."""
LIVING: tuple[Disposition, ...] = (*HELD, "in-transit", "in-use", "seized", "deactivated")
GONE: tuple[Disposition, ...] = ("exported", "lost", "stolen")

STEPS: Mapping[EventKind, tuple[tuple[Disposition | None, ...], Disposition | None]] = {
    "stored": ((*HELD, "in-use"), "in-store"),
    "moved": ((*LIVING, "demilitarised"), None),
    "packed": (("commissioned", "in-store", "received"), None),
    "unpacked": (LIVING, None),
    "assembled": (("commissioned", "in-store", "received"), None),
    "disassembled": (LIVING, None),
    "dispatched": (("commissioned", "in-store", "received"), "in-transit"),
    "received": (("in-transit", "seized"), "received"),
    "issued": (("in-store", "received"), "in-use"),
    "sent-for-repair": (("in-store", "received", "in-use"), "in-repair"),
    "exported": (("in-transit",), "exported"),
    "imported": (("exported",), "received"),
    "lost": (LIVING, "lost"),
    "stolen": (LIVING, "stolen"),
    "found": (("lost", "stolen"), "found"),
    "seized": ((*LIVING, *GONE), "seized"),
    "deactivated": (("in-store", "in-use", "in-repair", "received", "seized"), "deactivated"),
    "demilitarised": ((*HELD, "seized", "deactivated"), "demilitarised"),
    "destroyed": ((*HELD, "seized", "deactivated", "demilitarised"), "destroyed"),
    "seen": (LIVING, None),
}
"""By event: the dispositions that it leads from, and the one that it leads to; None: the same."""
PUT_IN: Mapping[EventKind, tuple[Disposition, ...]] = {
    "packed": ("commissioned", "in-store", "received"),
    "assembled": ("commissioned", "in-store", "received", "in-repair"),
}
"""What is put into something else, by the dispositions that this may have."""
TAKEN_OUT: frozenset[EventKind] = frozenset({"unpacked", "disassembled"})
APART: frozenset[EventKind] = frozenset({"seen", *TAKEN_OUT, "lost", "stolen", "found", "seized"})
"""What may befall a single article of a package that stays closed as far as anybody knows."""


class Article(Row):
    """Where a thing is, who has it, what it is in, and what for. `since`: the last event's time.

    `component`: which one of a weapon it is, where it was built into that. `producer` is the entity
    whose product it is; none of a unit. `disputed`: something was told of
    it that cannot be.
    """

    code: str
    kind: ArticleKind
    disposition: Disposition
    holder: str
    place: str | None
    package: str | None
    component: str | None
    producer: str | None
    product: str | None
    order_code: str | None
    lot: str | None
    serial: str | None
    disputed: bool
    since: datetime


@dataclass(frozen=True)
class Event:
    """What is told of each of its articles. `reporter`: the entity that tells it; None: the
    registry. `believed`: the act is older than write ownership; anybody's receipt was believed,
    and a sighting was ordered among what changes an article."""

    what: EventKind
    happened: datetime
    version: int
    reporter: str | None = None
    place: str | None = None
    holder: str | None = None
    package: str | None = None
    component: str | None = None
    believed: bool = False


def judge(
    article: Article,
    event: Event,
    *,
    within: bool = False,
    accepted: bool = True,
    barred: bool = False,
    recipient: str | None = None,
) -> Verdict:
    """Whether the event may have befallen the article, as far as the register knows. `barred`: its
    lot is suspended or withdrawn. `recipient`: the entity that a consignment brings it to."""
    origins, _ = STEPS[event.what]
    if event.happened < article.since and _is_ordered(event):
        return "out-of-order"
    if article.disposition not in origins:
        return "illegal-step"
    if not _may_tell(article, event, recipient):
        return "not-held"
    if (
        event.what in TAKEN_OUT
        and not within  # what is in a crate comes out of the pallet with it
        and (article.package, article.component) != (event.package, event.component)
    ):
        return "not-in-package"
    if article.package is not None and not within and event.what not in APART:
        return "still-packed"
    if event.what == "dispatched" and article.kind == "item" and not accepted:
        return "not-accepted"
    if event.what == "dispatched" and barred:
        return "lot-suspended"
    return "ok"


def _is_ordered(event: Event) -> bool:
    """A sighting changes nothing: what happened before it or after it may be reported later."""
    return event.what != "seen" or event.believed


def _may_tell(article: Article, event: Event, recipient: str | None) -> bool:
    if event.believed and event.what in ("found", "imported"):
        return True
    if event.believed and event.what == "received":
        return event.reporter in (None, event.holder)
    if event.holder is not None and not owns(event.reporter, event.holder):
        return False
    return may_report(event.reporter, event.what, article.disposition, article.holder, recipient)


def after(article: Article, event: Event, *, within: bool = False) -> Article:
    """The article once the event has befallen it; what lies in a package stays in it."""
    _, target = STEPS[event.what]
    change: dict[str, object] = {"version": event.version}
    if _is_ordered(event):
        change["since"] = event.happened
    if target is not None:
        change["disposition"] = target
    if event.holder is not None:
        change["holder"] = event.holder
    if event.what not in (*PUT_IN, *TAKEN_OUT, "seen"):
        change["place"] = event.place
    if not within:
        if event.what in PUT_IN:
            change |= {"package": event.package, "component": event.component}
        elif event.what in APART - {"seen"}:
            change |= {"package": None, "component": None}
    return article.model_copy(update=change)


def disputed(article: Article, event: Event) -> Article:
    """As it was, and marked."""
    return article.model_copy(update={"disputed": True, "version": event.version})


def missing(article: Article, event: Event, *, opened: bool) -> Article:
    """It was looked for among what lies in a package, and was not there: nobody knows where it is.

    `opened`: the very package that it lay in; else one around that, which is missing too.
    """
    package = None if opened else article.package
    return disputed(article, event).model_copy(update={"package": package})
