"""What stands against marking for an order, anywhere or at one of its gateways: told here alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from central.register.certificates.models import Permit
from central.register.entities.standing import Standing
from central.register.licences.models import Validity
from central.register.licences.terms import Use
from central.register.places.models import Where


class Obstacle(NamedTuple):
    """`code` is stable; `of`: what it lies with."""

    code: str
    of: Literal["entity", "licence", "place", "product"]


@dataclass(frozen=True)
class Footing:
    """What an order rests on, besides its own state."""

    standing: Standing
    """That of the product's entity."""
    licence: Validity
    use: Use
    permit: Permit
    """Of its product."""

    def against(self, now: datetime, where: Where | None = None) -> Obstacle | None:
        """The first that stands against it there; where None, at all its gateways."""
        if code := self.standing.obstacle(now):
            return Obstacle(code, "entity")
        if code := self.licence.against(self.use, now, where):
            return Obstacle(code, "licence")
        if where is not None and not where.active:
            return Obstacle("place-inactive", "place")
        if code := self.permit.obstacle(now):
            return Obstacle(code, "product")
        return None
