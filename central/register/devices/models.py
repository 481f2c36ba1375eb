"""A device as it is asked for."""

from typing import Annotated, Literal

from pydantic import Field

from central.register.asked import Asked, Code, WithReason
from gateway.contract.encoding import GatewayName

DeviceState = Literal["active", "inactive"]


class NewDevice(Asked):
    """`name` is `<site>.<name>`, as a gateway's is; it is that of the place's entity."""

    name: GatewayName
    place: Code


class Moved(WithReason):
    """Where it is from now on: another place of the same entity."""

    place: Code


class NewDeviceInvitation(Asked):
    """`hours` is how long the one-time code can be used."""

    reason: Annotated[str, Field(max_length=200)] = ""
    hours: Annotated[int, Field(ge=1, le=24 * 30)] = 24
