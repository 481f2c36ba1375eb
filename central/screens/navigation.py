"""The main navigation: the registry's desks in groups, in the order in which they stand at the top.

A desk is shown to whom its right lets in, from when its page exists. A group of which one desk is
left is no group: the desk stands for itself.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from central.access.roles import Right
from central.screens.texts import Texts


@dataclass(frozen=True)
class Entry:
    """`title` is a text of the catalogues, under the context `nav`; `query` what its list is asked
    for. `waits`: what is to be done there is counted."""

    title: str
    path: str
    right: Right
    query: str = ""
    waits: bool = False

    def leads_to(self, path: str) -> bool:
        """Whether a page is this entry's, or lies below it."""
        return path == self.path or (self.path != "/" and path.startswith(self.path + "/"))


@dataclass(frozen=True)
class Group:
    """`title` is a text of the catalogues, under the context `nav-group`."""

    title: str
    entries: tuple[Entry, ...]


BAR: tuple[Entry | Group, ...] = (
    Entry("Live", "/", Right.READ_EVIDENCE),
    Entry("Search", "/search", Right.READ_ITEMS),
    Entry("Proposals", "/proposals", Right.READ_PROPOSALS, "?state=open", waits=True),
    Entry("Alerts", "/alerts", Right.READ_ALERTS),
    Group(
        "Production",
        (
            Entry("Orders", "/orders", Right.READ_ORDERS),
            Entry("Products", "/products", Right.READ_SUBJECTS),
            Entry("Lots", "/lots", Right.READ_LOTS),
            Entry("Certificates", "/certificates", Right.READ_SUBJECTS),
        ),
    ),
    Group(
        "Licensing",
        (
            Entry("Licences", "/licences", Right.READ_SUBJECTS),
            Entry("Entities", "/entities", Right.READ_SUBJECTS),
            Entry("Places", "/places", Right.READ_SUBJECTS),
        ),
    ),
    Group(
        "Oversight",
        (
            Entry("Inspections", "/inspections", Right.READ_SUBJECTS),
            Entry("Sanctions", "/sanctions", Right.READ_SUBJECTS),
            Entry("Exclusions", "/exclusions", Right.READ_EXCLUSIONS),
            Entry("Similar names", "/screenings", Right.READ_EXCLUSIONS),
        ),
    ),
    Group(
        "Warehouse",
        (
            Entry("Articles", "/articles", Right.READ_ITEMS),
            Entry("Consignments", "/consignments", Right.READ_CONSIGNMENTS),
            Entry("Stock", "/stock", Right.READ_ITEMS),
            Entry("Counts", "/counts", Right.READ_COUNTS),
            Entry("Imports", "/imports", Right.READ_IMPORTS),
        ),
    ),
    Group(
        "Lines",
        (
            Entry("Gateways", "/gateways", Right.READ_GATEWAYS),
            Entry("Devices", "/devices", Right.READ_DEVICES),
            Entry("Refused records", "/refusals", Right.READ_EVIDENCE),
            Entry("Waiting records", "/waiting", Right.READ_EVIDENCE),
            Entry("Evidence", "/evidence", Right.READ_EVIDENCE),
        ),
    ),
    Group(
        "Administration",
        (
            Entry("Accounts", "/accounts", Right.READ_ACCOUNTS),
            Entry("Acts", "/acts", Right.READ_ACTS),
        ),
    ),
)
ENTRIES: tuple[Entry, ...] = tuple(
    entry for part in BAR for entry in (part.entries if isinstance(part, Group) else (part,))
)


def existing(paths: Collection[str]) -> tuple[Entry, ...]:
    """Those whose page is among the server's addresses."""
    return tuple(entry for entry in ENTRIES if entry.path in paths)


def bar(
    entries: Iterable[Entry], path: str, t: Texts, waiting: int = 0
) -> Sequence[dict[str, Any]]:
    """What the design system's `navigation` draws of these entries, at the page of that address.

    `waiting`: how many things wait for the reader's word.
    """
    shown = frozenset(entries)
    drawn: list[dict[str, Any]] = []
    for part in BAR:
        links = [
            {
                "label": t(entry.title, "nav"),
                "href": entry.path + entry.query,
                "current": entry.leads_to(path),
                "count": waiting if entry.waits else 0,
                "counts": t("waiting for your word"),
            }
            for entry in (part.entries if isinstance(part, Group) else (part,))
            if entry in shown
        ]
        if isinstance(part, Group) and len(links) > 1:
            current = any(link["current"] for link in links)
            label = t(part.title, "nav-group")
            drawn.append({"label": label, "current": current, "links": links})
        else:
            drawn += links
    return drawn
