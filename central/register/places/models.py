"""A place as it is asked for, and which kind stands below which."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from central.register.asked import Asked, Code, Name
from central.said import said
from gateway.contract.encoding import GatewayName

PlaceKind = Literal["site", "store", "bay", "line", "station"]
PlaceState = Literal["active", "inactive"]

BELOW: Mapping[PlaceKind, tuple[PlaceKind, ...]] = {
    "site": (),
    "store": ("site",),
    "bay": ("store",),
    "line": ("site",),
    "station": ("line", "store", "site"),
}
"""By kind: what it stands below. A site stands below nothing."""


@dataclass(frozen=True)
class Where:
    """Where a gateway works: the site that its line stands on, and whether the line is active with
    all that is above it."""

    site: str | None
    active: bool


NOWHERE = Where(None, active=True)
"""Of a gateway on no line that the register knows: it stands on no site, and nothing is closed."""


def _rounded(degrees: float) -> float:
    """To a tenth of a metre; so that what is kept is what was given, digit by digit."""
    return round(degrees, 6) + 0.0


Latitude = Annotated[
    float, Field(ge=-90, le=90, strict=True, allow_inf_nan=False), AfterValidator(_rounded)
]
Longitude = Annotated[
    float, Field(ge=-180, le=180, strict=True, allow_inf_nan=False), AfterValidator(_rounded)
]


class Named(Asked):
    """What of a place may be amended: what it is part of stays. Where a site lies, in degrees
    (WGS 84): both or none."""

    name: Name
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError(said("latitude and longitude come together"))
        return self


class NewPlace(Named):
    """Under a code of its own among all places; `parent` is the place that it is part of."""

    code: Code
    kind: PlaceKind
    entity: Code
    parent: Code | None = None


class Assigned(Asked):
    """The gateway that works on a line; none when it is taken away."""

    gateway: GatewayName | None
