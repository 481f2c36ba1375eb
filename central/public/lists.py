"""The public lists, as a page and the interface ask for them: the same filters, the same rows."""

from typing import Literal, NamedTuple

from central.public.finding import filtered, matching, ordered
from central.public.models import (
    EntityStanding,
    LicenceStanding,
    PublicEntity,
    PublicExclusion,
    PublicLicence,
)
from central.public.reading import Published
from central.register.entities.models import EntityKind
from central.register.exclusions.models import Ground
from central.register.identifiers import MilitaryCategory
from central.register.licences.terms import Activity

EntitySort = Literal[
    "name", "-name", "code", "-code", "standing", "-standing", "valid_until", "-valid_until"
]
LicenceSort = Literal[
    "number",
    "-number",
    "entity_name",
    "-entity_name",
    "standing",
    "-standing",
    "valid_from",
    "-valid_from",
    "valid_until",
    "-valid_until",
]
ExclusionSort = Literal[
    "name",
    "-name",
    "number",
    "-number",
    "ground",
    "-ground",
    "valid_from",
    "-valid_from",
    "valid_until",
    "-valid_until",
]


class WantedEntities(NamedTuple):
    """`q`: words of the name, the code, the tax number or the NCAGE."""

    q: str = ""
    kind: EntityKind | None = None
    activity: Activity | None = None
    standing: EntityStanding | None = None
    sort: EntitySort = "name"


class WantedLicences(NamedTuple):
    """`q`: words of the number or the holder's name."""

    q: str = ""
    entity: str | None = None
    activity: Activity | None = None
    category: MilitaryCategory | None = None
    standing: LicenceStanding | None = None
    sort: LicenceSort = "number"


class WantedExclusions(NamedTuple):
    """`q`: words of the name, the number, the tax number or the NCAGE."""

    q: str = ""
    ground: Ground | None = None
    sort: ExclusionSort = "name"


def entities(published: Published, wanted: WantedEntities) -> list[PublicEntity]:
    rows = filtered(
        published.entities.values(),
        kinds=wanted.kind,
        activities=wanted.activity,
        standing=wanted.standing,
    )
    found = matching(rows, wanted.q, ("name", "code", "tax_number", "ncage"))
    return ordered(found, wanted.sort, "code")


def licences(published: Published, wanted: WantedLicences) -> list[PublicLicence]:
    rows = filtered(
        published.licences.values(),
        entity=wanted.entity,
        activities=wanted.activity,
        categories=wanted.category,
        standing=wanted.standing,
    )
    return ordered(matching(rows, wanted.q, ("number", "entity_name")), wanted.sort, "number")


def exclusions(published: Published, wanted: WantedExclusions) -> list[PublicExclusion]:
    rows = filtered(published.exclusions, ground=wanted.ground)
    found = matching(rows, wanted.q, ("name", "number", "tax_number", "ncage"))
    return ordered(found, wanted.sort, "number")
