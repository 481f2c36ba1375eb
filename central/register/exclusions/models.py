"""An exclusion and a decision as they are asked for."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from central.register.asked import Asked, Code, Name, Reason, WithReason
from central.register.identifiers import Ncage
from central.register.times import Moment
from central.said import said

ExclusionKind = Literal["entity", "person"]
Ground = Literal["violation", "national-security"]
ExclusionState = Literal["active", "lifted"]
ScreeningState = Literal["undecided", "same", "different", "unlike"]
Verdict = Literal["same", "different"]


def _joined(text: str) -> str:
    """In capitals, without what a tax number is divided by."""
    joined = re.sub(r"[ ./-]", "", text.upper())
    if not re.fullmatch(r"[0-9A-Z]{1,30}", joined):
        raise ValueError(said("a tax number has letters and digits, 30 at most"))
    return joined


TaxNumber = Annotated[str, Field(max_length=60), AfterValidator(_joined)]
"""Of any country. An Albanian one comes to be a NIPT, as entities have it."""
AsGiven = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]+$")]


class DescribedExclusion(Asked):
    """Who is excluded, why and for how long; open-ended where `valid_until` is left out.

    `personal_number` and `passport_number` stand as they were given, for people to compare: nothing
    of the register is compared with them.
    """

    kind: ExclusionKind
    name: Name
    tax_number: TaxNumber | None = None
    ncage: Ncage | None = None
    personal_number: AsGiven | None = None
    passport_number: AsGiven | None = None
    ground: Ground
    legal_basis: Reason
    valid_from: Moment
    valid_until: Moment | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise ValueError(said("valid_until lies after valid_from"))
        return self


class NewExclusion(DescribedExclusion):
    """Under a number that stays."""

    number: Code


class EnteredExclusion(NewExclusion, WithReason):
    """An exclusion, and why it is entered."""


class AmendedExclusion(DescribedExclusion, WithReason):
    """All of it anew, and why."""


class Decision(WithReason):
    """`same`: the entity is who is excluded."""

    verdict: Verdict
