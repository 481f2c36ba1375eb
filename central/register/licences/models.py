"""A licence as it is asked for, and what stands against marking under it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from central.register.asked import Asked, Basis, Code, WithReason
from central.register.licences.terms import Changes, Terms, Use, elsewhere, uncovered
from central.register.places.models import Where
from central.register.times import Moment
from central.said import said

LicenceState = Literal["applied", "refused", "active", "suspended", "revoked"]


class NewLicence(Asked, Terms):
    """In force from `valid_from` until `valid_until`. What is left out of the terms allows the
    production of whatever."""

    number: Code
    entity: Code
    valid_from: Moment
    valid_until: Moment

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.valid_until <= self.valid_from:
            raise ValueError(said("valid_until lies after valid_from"))
        return self


class Grant(Asked, Changes):
    """An application is granted as it was asked for, save for what is said here."""

    valid_from: Moment | None = None
    valid_until: Moment | None = None
    reason: Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f]*$")] = ""
    basis: Basis = ""


class Renewal(WithReason):
    """It lasts until then. One that has expired is in force from the renewal on, not before it."""

    valid_until: Moment


class LicenceAmendment(WithReason, Changes):
    """Other terms; validity and holder stay."""


class Suspending(WithReason):
    """Until it is reinstated; with `until`, no longer than that."""

    until: Moment | None = None


class Suspension(BaseModel):
    """One suspension of a licence: a sanction's, or an officer's own where that is empty."""

    sanction: str = ""
    until: datetime | None = None


Obstacle = Literal[
    "",
    "licence-missing",
    "licence-revoked",
    "licence-suspended",
    "licence-expired",
    "licence-not-begun",
]


def obstacle(
    state: str,
    valid_from: datetime,
    valid_until: datetime,
    now: datetime,
    suspended_until: datetime | None = None,
) -> Obstacle:
    """Why nothing may be marked under it now, as a stable code; empty when it is in force.

    `suspended_until` None: a suspension has no end of its own.
    """
    if state in ("applied", "refused"):
        return "licence-missing"
    if state == "revoked":
        return "licence-revoked"
    if state == "suspended" and (suspended_until is None or now < suspended_until):
        return "licence-suspended"
    if now >= valid_until:
        return "licence-expired"
    if now < valid_from:
        return "licence-not-begun"
    return ""


def suspended_until(suspensions: tuple[Suspension, ...]) -> datetime | None:
    """When the last one ends; None where one has no end of its own, or there is none."""
    ends = [suspension.until for suspension in suspensions]
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None


@dataclass(frozen=True)
class Validity:
    """A licence as far as an order under it is concerned."""

    state: str
    valid_from: datetime
    valid_until: datetime
    suspended_until: datetime | None = None
    terms: Terms = field(default_factory=Terms)

    def obstacle(self, now: datetime) -> str:
        """Why nothing may be marked under it now, as a stable code; else empty."""
        return obstacle(self.state, self.valid_from, self.valid_until, now, self.suspended_until)

    def against(self, use: Use, now: datetime, where: Where | None = None) -> str:
        """The same of an order under it, which it may not cover; where None, wherever it is."""
        found = self.obstacle(now) or uncovered(self.terms, use)
        return found or ("" if where is None else elsewhere(self.terms, where.site))

    def turns(self, now: datetime) -> datetime | None:
        """When that may change next without an act."""
        times = (self.valid_from, self.valid_until, self.suspended_until)
        return min((time for time in times if time is not None and time > now), default=None)
