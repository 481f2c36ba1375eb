"""A consignment as it is reported, and the words that its way is told in."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from central.register.articles.models import MOST_ARTICLES, EventKind, Id
from central.register.asked import Asked, Code, Name, WithReason
from central.register.exclusions.models import TaxNumber
from central.register.identifiers import Country, Ncage
from central.register.licences.terms import Activity
from central.register.times import Moment
from central.said import Word, joined, said
from gateway.contract.encoding import Hex32

Direction = Literal["domestic", "export", "import", "transit"]
ConsignmentState = Literal["reported", "dispatched", "received", "closed", "cancelled"]
LineState = Literal["awaited", "dispatched", "received", "short"]
Standing = Literal["awaited", "dispatched", "received", "short", "elsewhere"]
"""`elsewhere`: the register knows of the article what cannot be of one that is on this way."""
DifferenceKind = Literal["short", "over", "foreign"]
"""`short`: listed, and not received. Not listed: `foreign` at dispatch, `over` at receipt."""
Resolution = Literal["not-sent", "arrived", "returned", "lost", "stolen", "wrongly-listed"]
Role = Literal["sender", "recipient", "carrier", "end_user"]
ROLES: tuple[Role, ...] = ("sender", "recipient", "carrier", "end_user")

FROM: Mapping[Direction, Role] = {
    "domestic": "sender",
    "export": "sender",
    "import": "recipient",
    "transit": "carrier",
}
"""Who reports it, and its dispatch, and holds the licence: an entity of the register."""
TO: Mapping[Direction, Role] = {
    "domestic": "recipient",
    "export": "sender",
    "import": "recipient",
    "transit": "carrier",
}
"""Who reports what has arrived, or has left the country."""
ARRIVALS: Mapping[Direction, tuple[EventKind, ...]] = {
    "domestic": ("received",),
    "export": ("exported",),
    "import": ("imported", "received"),
    "transit": ("exported",),
}
"""The events that end an article's way, as far as the register follows it."""
EVENTS: Mapping[Direction, tuple[EventKind, ...]] = {
    "domestic": ("dispatched", *ARRIVALS["domestic"]),
    "export": ("dispatched", *ARRIVALS["export"]),
    "import": ARRIVALS["import"],
    "transit": ("dispatched", *ARRIVALS["transit"]),
}
"""Those that may name it. Nobody tells what is done abroad; a transit begins where it enters."""
ACTIVITIES: Mapping[Direction, tuple[Activity, ...]] = {
    "domestic": ("trade", "production"),
    "export": ("trade", "production"),
    "import": ("trade", "production"),
    "transit": ("transport",),
}
"""The licence is for one of these."""


class Outsider(Asked):
    """Somebody who is not an entity of the register."""

    name: Name
    country: Country
    ncage: Ncage | None = None
    tax_number: TaxNumber | None = None


class Outsiders(Asked):
    """Those of the parties that the register has not entered."""

    sender: Outsider | None = None
    recipient: Outsider | None = None
    carrier: Outsider | None = None
    end_user: Outsider | None = None


class EndUserCertificate(Asked):
    """Who is the end user, as an authority says. `document`: its SHA-256 in hex."""

    number: Name
    issuer: Name
    document: Hex32


class Stop(Asked):
    """A place on the way: a town, a port, a border crossing."""

    name: Name
    country: Country


class NewConsignment(Asked):
    """What will go, before it goes.

    `sender`, `recipient`, `carrier` and `end_user` are entities; who is none stands in `outsiders`.
    `licence`: the sender's; of an import, the recipient's; of a transit, the carrier's. Where it
    is left out, the one is taken that lasts longest of those that cover it. `articles`: what is
    sent; what lies in a listed package at this moment is listed with it.
    """

    number: Code
    direction: Direction
    licence: Code | None = None
    sender: Code | None = None
    recipient: Code | None = None
    carrier: Code | None = None
    end_user: Code | None = None
    outsiders: Outsiders = Outsiders()
    certificate: EndUserCertificate | None = None
    route: Annotated[tuple[Stop, ...], Field(max_length=50)] = ()
    planned_dispatch: Moment
    planned_arrival: Moment
    articles: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MOST_ARTICLES)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        found = list(self._faults())
        if found:
            raise ValueError(joined("; ", found))
        return self

    def _faults(self) -> Iterable[str]:
        if len(set(self.articles)) != len(self.articles):
            yield said("articles: one stands twice")
        if self.planned_arrival <= self.planned_dispatch:
            yield said("planned_arrival lies after planned_dispatch")
        for role in ROLES:
            if getattr(self, role) is not None and getattr(self.outsiders, role) is not None:
                yield said("{role}: an entity or an outsider, not both", role=role)
        for role in sorted(self._inside()):
            if getattr(self, role) is None:
                yield said(
                    "{role}: an entity of the register, where it is {direction}",
                    role=role,
                    direction=Word(self.direction, "value"),
                )
        for role in sorted(self._named()):
            if getattr(self, role) is None and getattr(self.outsiders, role) is None:
                yield said("{role}: who that is", role=role)
        if self.direction == "export" and self.certificate is None:
            yield said("certificate: the end user's, of an export")

    def _inside(self) -> set[Role]:
        return {FROM[self.direction], TO[self.direction]}

    def _named(self) -> set[Role]:
        named: set[Role] = {"sender", "recipient"}
        if self.direction == "export":
            named.add("end_user")
        return named - self._inside()


class Resolving(WithReason):
    """What became of articles that were short, over or foreign, as a person found it."""

    articles: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MOST_ARTICLES)]
    resolution: Resolution


class Line(BaseModel):
    """An article of a consignment. `within`: the package that it lay in when it was reported.

    `dispatched` and `received` are the numbers of the events that told of it first. `resolution` of
    a difference is null while it stands.
    """

    model_config = ConfigDict(frozen=True, from_attributes=True)

    code: str
    within: str | None = None
    listed: bool = True
    state: LineState = "awaited"
    dispatched: str | None = None
    received: str | None = None
    resolution: Resolution | None = None
    remark: str = ""
