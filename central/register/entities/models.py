"""An entity as it is asked for and told of."""

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
)

from central.register.asked import Asked, Code, Name
from central.register.identifiers import Gs1CompanyPrefix, Ncage, Nipt
from central.said import said

EntityKind = Literal[
    "producer",
    "trader",
    "broker",
    "carrier",
    "store",
    "repairer",
    "research",
    "state-institution",
]
EntityState = Literal["active", "inactive"]


def _each_once(kinds: tuple[EntityKind, ...]) -> tuple[EntityKind, ...]:
    if len(set(kinds)) != len(kinds):
        raise ValueError(said("a kind stands twice"))
    return kinds


class Described(Asked):
    """What an entity is called, what it does, and what identifies it where it has that.

    `ncage` is its NATO or CAGE code, `tax_number` its NIPT, `gs1_prefix` what GS1 gave it.
    """

    name: Name
    kinds: Annotated[tuple[EntityKind, ...], AfterValidator(_each_once)] = ()
    ncage: Ncage | None = None
    tax_number: Nipt | None = None
    gs1_prefix: Gs1CompanyPrefix | None = None


class NewEntity(Described):
    """Under a code that stays."""

    code: Code
