"""All that leaves the register for everybody: what is no field here, nobody is told."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from central.register.entities.models import EntityKind
from central.register.exclusions.models import Ground
from central.register.identifiers import MilitaryCategory
from central.register.licences.terms import Activity

LicenceStanding = Literal[
    "in-force",
    "not-begun",
    "suspended",
    "expired",
    "revoked",
    "holder-inactive",
    "holder-excluded",
]
"""What a licence is good for at this moment; the holder's matters only where the licence itself
would be in force."""
EntityStanding = Literal[
    "licensed", "not-begun", "suspended", "not-licensed", "inactive", "excluded"
]
"""The best that its licences give it; `not-licensed`: it was licensed once."""
Table: TypeAlias = Literal[
    "entities", "licences", "exclusions", "inspections", "sanctions", "marks"
]
ALL = "all"
"""The row or the column of a total."""


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class PublicLicence(_Told):
    """A licence that was issued. Empty `categories`: those of the whole list. `since`: when it was
    last suspended, or when it was revoked; `suspended_until`: where a suspension ends by itself."""

    number: Annotated[str, Field(examples=["PRO-2026-014"])]
    entity: Annotated[str, Field(examples=["KMP"])]
    entity_name: str
    activities: tuple[Activity, ...]
    categories: tuple[MilitaryCategory, ...]
    standing: LicenceStanding
    valid_from: datetime
    valid_until: datetime
    since: datetime | None
    suspended_until: datetime | None


class PublicEntity(_Told):
    """An entity that has, or had, a licence. `activities`: of its licences in force; `valid_until`:
    when the last of these ends."""

    code: Annotated[str, Field(examples=["KMP"])]
    name: str
    kinds: tuple[EntityKind, ...]
    tax_number: str | None
    ncage: str | None
    standing: EntityStanding
    activities: tuple[Activity, ...]
    valid_until: datetime | None


class PublicExclusion(_Told):
    """An entity that is excluded now; open-ended where `valid_until` is null."""

    number: Annotated[str, Field(examples=["X-2026-3"])]
    name: str
    tax_number: str | None
    ncage: str | None
    ground: Ground
    valid_from: datetime
    valid_until: datetime | None


class Figure(_Told):
    """One cell of one table. `row` and `column`: codes, a year, or `all`; `count` is null where it
    would betray one entity, or is of persons excluded on one ground."""

    table: Table
    row: Annotated[str, Field(examples=["2025"])]
    column: Annotated[str, Field(examples=["serial"])]
    count: int | None


class EntityWithLicences(PublicEntity):
    """An entity, and each licence that it was issued."""

    licences: tuple[PublicLicence, ...]


class Entities(_Told):
    """The register of licensed entities."""

    rows: tuple[PublicEntity, ...]


class Licences(_Told):
    """Every licence that was issued."""

    rows: tuple[PublicLicence, ...]


class Exclusions(_Told):
    """The register of excluded entities."""

    rows: tuple[PublicExclusion, ...]


class Figures(_Told):
    """All tables, one cell a row."""

    rows: tuple[Figure, ...]
