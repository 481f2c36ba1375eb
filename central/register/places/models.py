"""A place as it is asked for, and which kind stands below which."""

from collections.abc import Mapping
from typing import Literal

from central.register.entities.models import Asked, Code, Name
from gateway.contract.encoding import GatewayName

PlaceKind = Literal["site", "store", "line", "station"]
PlaceState = Literal["active", "inactive"]

BELOW: Mapping[PlaceKind, tuple[PlaceKind, ...]] = {
    "site": (),
    "store": ("site",),
    "line": ("site",),
    "station": ("line", "store", "site"),
}
"""By kind: what it stands below. A site stands below nothing."""


class Named(Asked):
    """What of a place may be amended: where it stands stays."""

    name: Name


class NewPlace(Named):
    """Under a code of its own among all places; `parent` is the place that it is part of."""

    code: Code
    kind: PlaceKind
    entity: Code
    parent: Code | None = None


class Assigned(Asked):
    """The gateway that works on a line; none when it is taken away."""

    gateway: GatewayName | None
