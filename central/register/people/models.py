"""A person of a gateway as asked for: badge and PIN come in the clear and are hashed at once."""

from typing import Annotated, Literal

from pydantic import Field, Secret, SecretStr

from central.register.asked import Asked, Code
from central.register.times import Moment
from gateway.contract.encoding import GatewayName

Roles = Annotated[
    tuple[Literal["operator", "shift-lead", "quality"], ...], Field(min_length=1, max_length=3)
]
Pin = Secret[Annotated[str, Field(pattern=r"^[0-9]{4,12}$")]]
"""4 to 12 digits: what a keypad has, and no more than somebody remembers."""


class NewPerson(Asked):
    """`badge` is the text of the badge, `pin` 4 to 12 digits."""

    code: Code
    gateway: GatewayName
    badge: Annotated[SecretStr, Field(min_length=1, max_length=200)]
    pin: Pin
    roles: Roles
    until: Moment | None = None
