"""A licence as it is asked for, and what stands against marking under it."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from central.register.acts import Why
from central.register.entities.models import Asked, Code, Reason

LicenceState = Literal["active", "suspended", "revoked"]


class NewLicence(Asked):
    """In force from `valid_from` until `valid_until`."""

    number: Code
    entity: Code
    valid_from: AwareDatetime
    valid_until: AwareDatetime

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.valid_until <= self.valid_from:
            raise ValueError("valid_until lies after valid_from")
        return self


class WithReason(Asked):
    """An officer's act says why. `basis`: the legal basis or the document that it stands on."""

    reason: Reason
    basis: Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f]*$")] = ""

    @property
    def why(self) -> Why:
        return Why(self.reason, self.basis)


def obstacle(state: str, valid_from: datetime, valid_until: datetime, now: datetime) -> str:
    """Why nothing may be marked under it now, as a stable code; empty when it is in force."""
    if state != "active":
        return f"licence-{state}"
    if now >= valid_until:
        return "licence-expired"
    if now < valid_from:
        return "licence-not-begun"
    return ""
