"""A certificate as it is asked for, and what a type approval stands for. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from central.register.asked import Asked, Code, Name, WithReason
from central.register.times import Moment
from central.said import joined, said
from gateway.contract.encoding import Hex32

Kind = Literal["type-approval", "acceptance", "proof-test"]
Result = Literal["passed", "failed"]
CertificateState = Literal["issued", "withdrawn"]
MOST_ITEMS = 1000
Uii = Annotated[str, Field(min_length=1, max_length=50)]
Text = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f]*$")]


class NewCertificate(Asked):
    """Of a product, of a lot of it, or of items by their UIIs: one of the three.

    `issuer` is an entity of the register; else `institution` names who issued it. `sampling`: the
    plan in words, such as `lot 3201, sample 125, accepted on 2`. `document`: its SHA-256 in hex.
    """

    number: Code
    kind: Kind
    issuer: Code | None = None
    institution: Name | None = None
    product: Code | None = None
    lot: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[ -~]+$")] | None = None
    items: Annotated[tuple[Uii, ...], Field(max_length=MOST_ITEMS)] = ()
    result: Result
    sampling: Text = ""
    issued: Moment
    valid_until: Moment | None = None
    document: Hex32
    remark: Text = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        found = list(self._faults())
        if found:
            raise ValueError(joined("; ", found))
        return self

    def _faults(self) -> Iterable[str]:
        if (self.issuer is None) == (self.institution is None):
            yield said("issuer or institution: one of the two")
        if self.items and (self.product is not None or self.lot is not None):
            yield said("items stand without product and lot: each has its own")
        if not self.items and self.product is None:
            yield said("product, or items: what it is about")
        if len(set(self.items)) != len(self.items):
            yield said("items: one stands twice")
        if self.kind == "type-approval" and (self.items or self.lot is not None):
            yield said("a type approval is of a product, not of a lot or of items")
        if self.kind == "acceptance" and not self.items and self.lot is None:
            yield said("an acceptance is of a lot or of items")
        if self.valid_until is not None and self.valid_until <= self.issued:
            yield said("valid_until lies after issued")
        if self.result == "failed" and self.valid_until is not None:
            yield said("valid_until stands with what has passed")


class Extension(WithReason):
    """Until when it is valid now; later than before."""

    valid_until: Moment


@dataclass(frozen=True)
class Approval:
    """A type approval that was passed. `until` None: without an end."""

    number: str
    begins: datetime
    until: datetime | None = None
    withdrawn: bool = False

    def covers(self, now: datetime) -> bool:
        ended = self.until is not None and now >= self.until
        return not self.withdrawn and self.begins <= now and not ended


def in_force(approvals: Iterable[Approval], now: datetime) -> Approval | None:
    """The one of those in force that lasts longest."""
    covering = [approval for approval in approvals if approval.covers(now)]
    endless = next((approval for approval in covering if approval.until is None), None)
    return endless or max(covering, key=lambda approval: approval.until or now, default=None)


@dataclass(frozen=True)
class Permit:
    """Whether a product's orders may be marked. `approvals`: passed ones, in force or not."""

    withdrawn: bool = False
    reason: str = ""
    """Of the last change of the product's state, in an officer's words."""
    approvals: tuple[Approval, ...] = ()

    def obstacle(self, now: datetime) -> str:
        """Why nothing may be marked now, as a stable code; empty where nothing stands against.

        A product that was never approved has orders only from before approvals were kept: what was
        released then goes on, and nothing more is released without one.
        """
        if self.withdrawn:
            return "product-withdrawn"
        ended = bool(self.approvals) and in_force(self.approvals, now) is None
        return "approval-ended" if ended else ""

    def until(self, now: datetime) -> datetime | None:
        """When the approval ends that it rests on; None where it does not."""
        found = in_force(self.approvals, now)
        return None if found is None else found.until


UNLIMITED = Permit()
"""Of a product from before approvals were kept."""
