"""What enrolment asks and answers."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from central.register.asked import Asked
from gateway.contract.encoding import GatewayName, Hex32
from gateway.contract.plan import CentralKey


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
    """`gateway` is its name, or a device's; `public` its new Ed25519 key, 32 raw bytes in hex."""

    code: Annotated[str, Field(min_length=8, max_length=100)]
    gateway: GatewayName
    public: Hex32
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class Enrolled(BaseModel):
    """The epoch that begins, what its chain begins with, and whom to believe."""

    gateway: str
    epoch: int
    previous_head: Hex32
    incarnation: int
    keys: tuple[CentralKey, ...]
