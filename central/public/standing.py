"""What a licence and its holder are good for, in the words that everybody is told. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from central.public.models import EntityStanding, LicenceStanding, PublicLicence
from central.register.entities.standing import Standing
from central.register.licences.rules import Licence

_LICENCE: Mapping[str, LicenceStanding] = {
    "licence-revoked": "revoked",
    "licence-suspended": "suspended",
    "licence-expired": "expired",
    "licence-not-begun": "not-begun",
    "entity-excluded": "holder-excluded",
    "entity-inactive": "holder-inactive",
    "": "in-force",
}
_BEST: Sequence[tuple[LicenceStanding, EntityStanding]] = (
    ("in-force", "licensed"),
    ("suspended", "suspended"),
    ("not-begun", "not-begun"),
)


def of_licence(licence: Licence, holder: Standing, now: datetime) -> LicenceStanding:
    """Of one that was issued."""
    return _LICENCE[licence.validity.obstacle(now) or holder.obstacle(now)]


def of_entity(licences: Sequence[PublicLicence], holder: Standing, now: datetime) -> EntityStanding:
    """Of a holder with these licences."""
    obstacle = holder.obstacle(now)
    if obstacle:
        return "excluded" if obstacle == "entity-excluded" else "inactive"
    have = {each.standing for each in licences}
    return next((told for standing, told in _BEST if standing in have), "not-licensed")
