"""The main navigation: the registry's desks, in the order in which they stand at the top of a page.

A desk is shown to whom its right lets in, from when its page exists.
"""

from collections.abc import Collection
from dataclasses import dataclass

from central.access.roles import Right


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


ENTRIES = (
    Entry("Live", "/", Right.READ_EVIDENCE),
    Entry("Search", "/search", Right.READ_ITEMS),
    Entry("Orders", "/orders", Right.READ_ORDERS),
    Entry("Products", "/products", Right.READ_SUBJECTS),
    Entry("Licences", "/licences", Right.READ_SUBJECTS),
    Entry("Entities", "/entities", Right.READ_SUBJECTS),
    Entry("Places", "/places", Right.READ_SUBJECTS),
    Entry("Inspections", "/inspections", Right.READ_SUBJECTS),
    Entry("Sanctions", "/sanctions", Right.READ_SUBJECTS),
    Entry("Certificates", "/certificates", Right.READ_SUBJECTS),
    Entry("Exclusions", "/exclusions", Right.READ_EXCLUSIONS),
    Entry("Similar names", "/screenings", Right.READ_EXCLUSIONS),
    Entry("Articles", "/articles", Right.READ_ITEMS),
    Entry("Consignments", "/consignments", Right.READ_CONSIGNMENTS),
    Entry("Stock", "/stock", Right.READ_ITEMS),
    Entry("Counts", "/counts", Right.READ_COUNTS),
    Entry("Imports", "/imports", Right.READ_IMPORTS),
    Entry("Lots", "/lots", Right.READ_LOTS),
    Entry("Proposals", "/proposals", Right.READ_PROPOSALS, "?state=open", waits=True),
    Entry("Alerts", "/alerts", Right.READ_ALERTS),
    Entry("Gateways", "/gateways", Right.READ_GATEWAYS),
    Entry("Devices", "/devices", Right.READ_DEVICES),
    Entry("Refused records", "/refusals", Right.READ_EVIDENCE),
    Entry("Waiting records", "/waiting", Right.READ_EVIDENCE),
    Entry("Evidence", "/evidence", Right.READ_EVIDENCE),
    Entry("Accounts", "/accounts", Right.READ_ACCOUNTS),
    Entry("Acts", "/acts", Right.READ_ACTS),
)


def existing(paths: Collection[str]) -> tuple[Entry, ...]:
    """Those whose page is among the server's addresses."""
    return tuple(entry for entry in ENTRIES if entry.path in paths)
