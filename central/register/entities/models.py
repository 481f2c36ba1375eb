"""An entity as it is asked for and told of."""

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from central.register.identifiers import Gs1CompanyPrefix, Ncage, Nipt

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
"""Without a slash: it stands as one step of an address, and in keys of two codes."""
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Reason = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$")]

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
        raise ValueError("a kind stands twice")
    return kinds


class Asked(BaseModel):
    """A request's body: unknown fields are refused, also in what the wire contract lets grow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="after")
    def _nothing_unknown(self) -> Self:
        for name in type(self).model_fields:
            value = getattr(self, name)
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, BaseModel) and each.model_extra:
                    unknown = ", ".join(sorted(each.model_extra))
                    raise ValueError(f"{name}: there is no {unknown}")
        return self


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
