"""What enrolment asks and answers."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from central.register.asked import Asked, WithReason
from central.said import said
from gateway.contract.encoding import GatewayName, Hex32, Time
from gateway.contract.plan import CentralKey
from gateway.contract.signed import PUBLIC_KEY, is_public_key


def _a_key(public: str) -> str:
    if not is_public_key(bytes.fromhex(public)):
        raise ValueError(said("no P-256 key has this as its public one"))
    return public


class NewInvitation(Asked):
    """`hours` is how long the one-time code can be used."""

    gateway: GatewayName
    reason: Annotated[str, Field(max_length=200)] = ""
    hours: Annotated[int, Field(ge=1, le=24 * 30)] = 24


class Invitation(BaseModel):
    """The code is told once; only its SHA-256 is kept. `gateway`: its name, or the device's."""

    gateway: str
    code: str
    expires: datetime


class Enrolment(Asked):
    """`gateway` is its name, or a device's; `public` its new key in hex: Ed25519, 32 raw bytes, or
    P-256, the 33 of its compressed point. `at`: what its clock says; where it is absent, clocks
    are not compared."""

    code: Annotated[str, Field(min_length=8, max_length=100)]
    gateway: GatewayName
    public: Annotated[str, Field(pattern=PUBLIC_KEY), AfterValidator(_a_key)]
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    at: Time | None = None


class Enrolled(BaseModel):
    """The epoch that begins, what its chain begins with, and whom to believe."""

    gateway: str
    epoch: int
    previous_head: Hex32
    incarnation: int
    keys: tuple[CentralKey, ...]


PiecesFound = Literal["one", "two", "none"]


class PieceFinding(Asked):
    """How many pieces bear a number; null while nobody has looked."""

    uii: Annotated[str, Field(min_length=1, max_length=200)]
    found: PiecesFound | None = None


class ForkSettlement(WithReason):
    """What two people found of numbers that two branches of a journal announced: `one` piece, which
    stands, `two`, which are duplicates, or `none`, also where it was scrapped."""

    disputes: Annotated[tuple[PieceFinding, ...], Field(min_length=1, max_length=500)]
