"""How an exclusion and a pair of names that are alike follow from what was done. Pure."""

from datetime import datetime

from central import schema
from central.errors import Conflict
from central.register.acts import Act
from central.register.exclusions.models import (
    ExclusionKind,
    ExclusionState,
    Ground,
    ScreeningState,
)
from central.register.subject import Row, Subject, held, impossible, new
from central.said import Word, said


class Exclusion(Row):
    """An exclusion as the register holds it. `reason` is why it was lifted."""

    number: str
    kind: ExclusionKind
    name: str
    tax_number: str | None
    ncage: str | None
    personal_number: str | None
    passport_number: str | None
    ground: Ground
    legal_basis: str
    valid_from: datetime
    valid_until: datetime | None
    state: ExclusionState
    reason: str
    created: datetime


class Screening(Row):
    """An entity and an exclusion whose names are alike, and what a person decided on the two.

    `excludes`: the last decision was `same`; it holds while the pair is asked of again. The names
    are those that the state is about; `decided_by` and `reason` are those of the last decision.
    """

    entity: str
    exclusion: str
    entity_name: str
    exclusion_name: str
    state: ScreeningState
    excludes: bool
    decided_by: str
    reason: str
    created: datetime

    def about(self, entity_name: str, exclusion_name: str) -> bool:
        """Whether neither name has changed since."""
        return (self.entity_name, self.exclusion_name) == (entity_name, exclusion_name)


_UNTOUCHED = {"state": "undecided", "excludes": False, "decided_by": "", "reason": ""}


def apply_exclusion(state: Exclusion | None, act: Act) -> Exclusion:
    """`entered`, `amended` while it is not lifted, `lifted`. Raises `Conflict` or `NotFound`."""
    if act.what == "entered":
        new("exclusion", state, act)
        return Exclusion.of(act, state="active", reason="", created=act.at)
    exclusion = held("exclusion", state, act)
    if exclusion.state == "lifted":
        raise Conflict(impossible("exclusion", act.key, "lifted", act.what))
    if act.what == "amended":
        return Exclusion.model_validate(
            {**exclusion.model_dump(), **act.payload, "version": act.id}
        )
    return exclusion.model_copy(update={"state": "lifted", "reason": act.reason, "version": act.id})


def apply_screening(state: Screening | None, act: Act) -> Screening:
    """`asked`, then `decided`; `asked` again when a name changes, or `dropped` when they are no
    longer alike. Raises `Conflict` or `NotFound`."""
    if act.what not in ("asked", "decided", "dropped"):
        raise AssertionError(act.what)
    names = {name: act.payload[name] for name in ("entity_name", "exclusion_name")}
    if act.what == "dropped":
        before = held("screening", state, act)
        if before.state != "undecided" or before.excludes:
            raise Conflict(impossible("screening", act.key, before.state, "dropped"))
        return before.model_copy(update={**names, "state": "unlike", "version": act.id})
    target = "undecided" if act.what == "asked" else act.payload["verdict"]
    change: dict[str, object] = {"state": target, **names}
    if act.what == "decided":
        change |= {"excludes": target == "same", "reason": act.reason}
        change["decided_by"] = act.payload["decided_by"]
    if state is None:
        return Screening.of(act, **_UNTOUCHED, created=act.at).model_copy(update=change)
    if state.about(**names) and (target == "undecided" or state.state == target):
        raise Conflict(
            said(
                "screening {key} of these names is {state} already",
                key=act.key,
                state=Word(state.state, "value"),
            )
        )
    return state.model_copy(update={**change, "version": act.id})


EXCLUSION = Subject("exclusion", schema.exclusion, Exclusion, apply_exclusion, key=("number",))
SCREENING = Subject(
    "screening", schema.screening, Screening, apply_screening, key=("entity", "exclusion")
)
