"""Numbers for units as they are asked for and told of."""

from typing import Annotated

from pydantic import Field

from central.register.asked import Asked, Code, WithReason
from central.register.units.numbers import Scheme

MOST_AT_ONCE = 1_000


class NewUnits(Asked):
    """So many numbers for crates, pallets or cartons of an entity, which nobody has had.

    `scheme`: left out, an SSCC where the entity has a GS1 company prefix, else a licence plate by
    its NCAGE. `extension` is an SSCC's first digit: each makes a series of its own.
    """

    entity: Code
    quantity: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 1
    scheme: Scheme | None = None
    extension: Annotated[int, Field(ge=0, le=9)] | None = None


class GoOn(WithReason):
    """The serial that a series goes on with; one that is unused so far as anybody knows."""

    next: Annotated[int, Field(ge=0, le=10**12)]
