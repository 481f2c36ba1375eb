"""The life of a licence: one table of steps, and the state that follows from each act. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import model_validator

from central.errors import Conflict, Refused
from central.register.acts import Act
from central.register.licences.models import LicenceState, Suspension, Validity, suspended_until
from central.register.licences.terms import Terms
from central.register.subject import Row, held, impossible, new
from central.said import joined, said

STEPS: Mapping[str, tuple[tuple[LicenceState | None, ...], LicenceState | None]] = {
    "applied": ((None,), "applied"),
    "refused": (("applied",), "refused"),
    "issued": ((None, "applied"), "active"),
    "renewed": (("active", "suspended"), None),
    "amended": (("active", "suspended"), None),
    "suspended": (("active", "suspended"), "suspended"),
    "reinstated": (("suspended",), "active"),
    "revoked": (("active", "suspended"), "revoked"),
}
"""By act: the states that it leads from (None: there is no licence), and the state that it leads
to (None: the same). Expired is active past `valid_until`: no act. A second suspension is another's,
of a sanction or of an officer; a licence stays suspended while one of them stands."""


class Licence(Row, Terms):
    """A licence as the register holds it. `reason` is that of the last change.

    `suspensions`: those that stand. One whose time has run out stands for nothing.
    """

    number: str
    entity: str
    state: LicenceState
    valid_from: datetime
    valid_until: datetime
    suspensions: tuple[Suspension, ...] = ()
    reason: str
    created: datetime

    @model_validator(mode="before")
    @classmethod
    def _of_former_times(cls, data: Any) -> Any:
        """A licence that was carried over as suspended tells of no suspension: an officer's."""
        if isinstance(data, dict) and data["state"] == "suspended" and not data.get("suspensions"):
            return {**data, "suspensions": [{}]}
        return data

    @property
    def validity(self) -> Validity:
        ends = suspended_until(self.suspensions)
        return Validity(self.state, self.valid_from, self.valid_until, ends, self)

    def at(self, now: datetime) -> "Licence":
        """Without the suspensions whose time has run out by then."""
        standing = tuple(s for s in self.suspensions if s.until is None or s.until > now)
        if standing == self.suspensions:
            return self
        state = self.state if standing or self.state != "suspended" else "active"
        return self.model_copy(update={"state": state, "suspensions": standing})


def apply(state: Licence | None, act: Act) -> Licence:
    """Raises `Conflict` where that step does not exist: refused and revoked are the end."""
    origins, target = STEPS[act.what]
    if state is None and None in origins:
        return Licence.of(act, state=target, reason=act.reason, created=act.at)
    if origins == (None,):
        new("licence", state, act)
    licence = held("licence", state, act).at(act.at)
    if licence.state not in origins:
        raise Conflict(impossible("licence", act.key, licence.state, act.what))
    changed = {"state": target or licence.state, **_changes(licence, act)}
    return Licence.model_validate(
        {**licence.model_dump(), **changed, "reason": act.reason, "version": act.id}
    )


def _changes(licence: Licence, act: Act) -> dict[str, Any]:
    """What else the act changes, or changes otherwise."""
    match act.what:
        case "issued":
            if act.payload["entity"] != licence.entity:
                raise Conflict(
                    said(
                        "licence {number} was applied for by {entity}",
                        number=act.key,
                        entity=licence.entity,
                    )
                )
            return dict(act.payload)
        case "amended":
            return dict(act.payload)
        case "renewed":
            return _renewed(licence, act)
        case "suspended":
            return {"suspensions": (*licence.suspensions, _suspension(licence, act))}
        case "reinstated":
            return _reinstated(licence, act)
        case "revoked":
            return {"suspensions": ()}
    return {}


def _renewed(licence: Licence, act: Act) -> dict[str, Any]:
    until = datetime.fromisoformat(act.payload["valid_until"])
    if until <= licence.valid_until:
        raise Conflict(
            said(
                "licence {number} lasts until {until} already",
                number=act.key,
                until=licence.valid_until,
            )
        )
    if until <= act.at:
        raise Refused(said("valid_until lies in the past"))
    begins = act.at if licence.valid_until <= act.at else licence.valid_from
    return {"valid_from": begins, "valid_until": until}


def _suspension(licence: Licence, act: Act) -> Suspension:
    found = Suspension.model_validate(act.payload)
    if found.until is not None and found.until <= act.at:
        raise Refused(said("until lies in the past"))
    if found.sanction in {standing.sanction for standing in licence.suspensions}:
        raise Conflict(impossible("licence", act.key, "suspended", "suspended"))
    return found


def _reinstated(licence: Licence, act: Act) -> dict[str, Any]:
    """Whoever suspended it takes that back, and nobody else."""
    sanction = act.payload.get("sanction", "")
    others = tuple(s for s in licence.suspensions if s.sanction != sanction)
    if len(others) == len(licence.suspensions):
        by = joined(", ", (s.sanction or said("an officer") for s in others))
        raise Conflict(
            said(
                "licence {number} is suspended by {by}: that has to be lifted",
                number=act.key,
                by=by,
            )
        )
    return {"state": "suspended" if others else "active", "suspensions": others}
