"""A sanction as it is asked for."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from central.register.acts import Why
from central.register.asked import Asked, Code, Reason
from central.register.exclusions.models import Ground
from central.register.times import Moment
from central.said import said

SanctionKind = Literal["warning", "fine", "suspension", "revocation", "exclusion"]
SanctionState = Literal["imposed", "lifted"]
ON_LICENCES = frozenset({"suspension", "revocation", "exclusion"})
FOR_GOOD = frozenset({"revocation", "exclusion"})
"""Those that end licences, and so need a second person."""


class NewSanction(Asked):
    """`basis`: the article that it stands on. `inspection`: what it follows from, if anything.

    A fine has an `amount`, in whole units of its `currency` (ISO 4217). A suspension or revocation
    is of the named `licences`, or of all that the entity has. An exclusion names its `ground`,
    enters the entity into the register of the excluded, and revokes all its licences. A suspension
    and an exclusion may end by themselves.
    """

    number: Code
    entity: Code
    kind: SanctionKind
    reason: Reason
    basis: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$")]
    inspection: Code | None = None
    amount: Annotated[int, Field(ge=1, le=1_000_000_000_000)] | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    licences: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    ground: Ground | None = None
    until: Moment | None = None

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        fine = (self.amount is not None, self.currency is not None)
        if fine != (self.kind == "fine",) * 2:
            raise ValueError(said("amount and currency stand with a fine, and there they have to"))
        if self.licences and self.kind not in ("suspension", "revocation"):
            raise ValueError(said("licences stand with a suspension or a revocation"))
        if (self.ground is not None) != (self.kind == "exclusion"):
            raise ValueError(said("ground stands with an exclusion, and there it has to"))
        if self.until is not None and self.kind not in ("suspension", "exclusion"):
            raise ValueError(said("until stands with a suspension or an exclusion"))
        if len(set(self.licences)) != len(self.licences):
            raise ValueError(said("a licence stands twice"))
        return self

    @property
    def why(self) -> Why:
        return Why(self.reason, self.basis)
