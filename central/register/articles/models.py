"""An event as it is reported, and the words that the life of an article is told in."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from central.register.asked import Asked, Basis, Code, WithReason
from central.register.times import Moment
from central.register.units.numbers import SSCC, is_whole
from central.said import Several, Word, joined, said
from gateway.contract.encoding import GATEWAY, Hex32

ArticleKind = Literal["item", "unit", "legacy", "legacy-lot"]
"""`item` carries a UII; a `unit` is a crate or a pallet, and carries a number of its own. `legacy`
was marked before there was a register, as was a lot of ammunition, `legacy-lot`."""
Disposition = Literal[
    "commissioned",
    "in-store",
    "in-transit",
    "received",
    "in-use",
    "in-repair",
    "exported",
    "lost",
    "stolen",
    "found",
    "seized",
    "deactivated",
    "demilitarised",
    "destroyed",
]
EventKind = Literal[
    "stored",
    "moved",
    "packed",
    "unpacked",
    "assembled",
    "disassembled",
    "dispatched",
    "received",
    "issued",
    "sent-for-repair",
    "exported",
    "imported",
    "lost",
    "stolen",
    "found",
    "seized",
    "deactivated",
    "demilitarised",
    "destroyed",
    "seen",
]
Verdict = Literal[
    "ok",
    "unknown-article",
    "not-good",
    "illegal-step",
    "not-held",
    "still-packed",
    "not-in-package",
    "package-in-itself",
    "not-a-component",
    "component-taken",
    "not-accepted",
    "lot-suspended",
    "out-of-order",
    "missing",
    "not-listed",
    "not-cleared",
    "consignment-over",
]
"""What was found of an article in an event. All but `ok` leave it as it was, and disputed; what was
`missing` in a package lies there no more."""

MOST_ARTICLES = 5_000
WITH_A_PLACE = frozenset({"stored", "moved"})
WITH_A_HOLDER = frozenset({"received", "imported"})
WITH_A_PACKAGE = frozenset({"packed", "unpacked", "assembled", "disassembled"})
WITH_A_COMPONENT = frozenset({"assembled", "disassembled"})
WITH_A_CONSIGNMENT: frozenset[EventKind] = frozenset(
    {"dispatched", "received", "exported", "imported"}
)
WITH_A_REASON = frozenset({"lost", "stolen", "seized", "deactivated", "demilitarised", "destroyed"})


def _any_of(kinds: Iterable[str]) -> Several:
    return joined(" or ", (Word(each, "value") for each in sorted(kinds)))


def _number(code: str) -> str:
    """18 digits are an SSCC, whose last one is checked (GS1 General Specifications, 7.9)."""
    if re.fullmatch(SSCC, code) and not is_whole(code):
        raise ValueError(said("{code} is no SSCC: its check digit is wrong", code=code))
    return code


Id = Annotated[str, Field(pattern=r"^[0-9A-Z/-]{1,50}$")]
"""A UII, or the number of a unit: an SSCC or a licence plate of ISO/IEC 15459."""
UnitNumber = Annotated[Id, AfterValidator(_number)]


class NewEvent(Asked):
    """What became of articles, or of all that is in a package, when and where.

    `happened`: when, which may be long before it is reported. `place`: where they are since then,
    `holder` the entity that has them, `package` the unit that they are in, or no longer; of a part
    that is built into a weapon, the weapon, and `component` which of its components it is.
    `document`: the SHA-256 in hex of what it stands on. `consignment`: what it is of. `counted`:
    packages were opened, and what was in them is named too: what is not was not there.
    """

    number: Code
    what: EventKind
    happened: Moment
    articles: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MOST_ARTICLES)]
    place: Code | None = None
    holder: Code | None = None
    package: UnitNumber | None = None
    component: Code | None = None
    consignment: Code | None = None
    counted: bool = False
    document: Hex32 | None = None
    reason: Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f]*$")] = ""
    basis: Basis = ""

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        if len(set(self.articles)) != len(self.articles):
            raise ValueError(said("articles: one stands twice"))
        for name, kinds in (
            ("holder", WITH_A_HOLDER),
            ("package", WITH_A_PACKAGE),
            ("component", WITH_A_COMPONENT),
        ):
            if (getattr(self, name) is not None) != (self.what in kinds):
                raise ValueError(
                    said(
                        "{name} stands with {kinds}, and there it has to",
                        name=name,
                        kinds=_any_of(kinds),
                    )
                )
        if self.what in WITH_A_COMPONENT and len(self.articles) != 1:
            raise ValueError(said("articles: one part is built in or taken out at a time"))
        if self.what not in WITH_A_CONSIGNMENT:
            those = _any_of(WITH_A_CONSIGNMENT)
            if self.consignment is not None:
                raise ValueError(said("consignment stands with {kinds}", kinds=those))
            if self.counted:
                raise ValueError(said("counted stands with {kinds}", kinds=those))
        if self.what in WITH_A_PLACE and self.place is None:
            raise ValueError(said("place: where they are {what}", what=Word(self.what, "value")))
        if self.what in WITH_A_REASON and not self.reason:
            raise ValueError(said("reason: why they are {what}", what=Word(self.what, "value")))
        return self


class Scan(BaseModel):
    """The record by which an event was told. `strange`: codes of it that name nothing the register
    could know, or more than one thing."""

    model_config = ConfigDict(frozen=True)

    purpose: str
    at: datetime
    synced: bool
    station: str | None = None
    operator: str | None = None
    operator_auth: str = "none"
    device: str = ""
    entry: str | None = None
    wedge: bool | None = None
    strange: tuple[str, ...] = ()


class ScannedEvent(NewEvent):
    """An event as a record tells it, under that record's own name."""

    number: Annotated[str, Field(pattern=rf"^{GATEWAY}/[1-9][0-9]{{0,18}}/[1-9][0-9]{{0,18}}$")]
    scan: Scan


class Settlement(WithReason):
    """What is true of an article that is in dispute, as a person found it."""

    disposition: Disposition
    holder: Code
    place: Code | None = None
    package: UnitNumber | None = None
