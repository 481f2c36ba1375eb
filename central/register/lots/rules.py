"""The steps of a lot, and what of a movement cannot be. Pure.

A report of what has happened is never refused: where there was less than it tells of, it is kept
and counted, and the lot is in dispute until a person settles it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, cast

from central.errors import Conflict
from central.register.acts import Act
from central.register.lots.models import LotComponent, LotState, MovementKind, PackageFault, Verdict
from central.register.subject import Row, held, impossible, new

STEPS: Mapping[str, tuple[tuple[LotState | None, ...], LotState | None]] = {
    "opened": ((None,), "active"),
    "components told": (("active", "suspended", "withdrawn"), None),
    "settled": (("active", "suspended", "withdrawn"), None),
    "suspended": (("active",), "suspended"),
    "released": (("suspended",), "active"),
    "withdrawn": (("active", "suspended"), "withdrawn"),
}
"""By act: the states that it leads from (None: there is none), and the state that it leads to."""

Where = Literal["outside", "loose", "sample", "package", "gone"]
MOVES: Mapping[MovementKind, tuple[Where, Where]] = {
    "filled": ("outside", "loose"),
    "found": ("outside", "loose"),
    "sampled": ("loose", "sample"),
    "consumed": ("sample", "gone"),
    "returned": ("sample", "loose"),
    "destroyed": ("loose", "gone"),
    "reworked": ("loose", "gone"),
    "lost": ("loose", "gone"),
    "unpacked": ("package", "loose"),
}
"""By movement: from where it takes pieces, and where they are then. What goes into packages, their
marks tell."""


class Lot(Row):
    """A lot as the register holds it. `reason` is that of the last decision on it. `flagged`: so
    many movements were told that cannot be, and nobody has settled them."""

    code: str
    product: str
    number: str
    entity: str
    components: tuple[LotComponent, ...]
    remark: str
    state: LotState
    flagged: int = 0
    reason: str = ""
    created: datetime


def apply(state: Lot | None, act: Act) -> Lot:
    """Raises `Conflict` where that step does not exist, or `NotFound`."""
    if act.what == "opened":
        new("lot", state, act)
        return Lot.of(act, code=act.key, state="active", created=act.at)
    lot = held("lot", state, act)
    change: dict[str, object] = {"version": act.id}
    if act.what in MOVES:
        change["flagged"] = lot.flagged + (verdict(act) != "ok")
        return lot.model_copy(update=change)
    origins, target = STEPS[act.what]
    if lot.state not in origins:
        raise Conflict(impossible("lot", act.key, lot.state, act.what))
    match act.what:
        case "components told":
            change["components"] = tuple(
                map(LotComponent.model_validate, act.payload["components"])
            )
        case "settled":
            change["flagged"] = lot.flagged - act.payload["ends_dispute"]
        case _:
            change |= {"state": target, "reason": act.reason}
    return lot.model_copy(update=change)


def verdict(act: Act) -> Verdict:
    """Of the movement that an act tells of, as far as the register knew then."""
    told = act.payload
    return judge(
        *(cast("MovementKind", act.what), told["quantity"]),
        loose=told["loose"],
        sampled=told["sampled"],
        faults=[each["fault"] for each in told["packages"]],
    )


def judge(
    what: MovementKind,
    quantity: int,
    *,
    loose: int,
    sampled: int,
    faults: Iterable[PackageFault] = (),
) -> Verdict:
    """`loose` and `sampled`: so many there were before."""
    origin, _ = MOVES[what]
    if origin == "loose" and quantity > loose:
        return "more-than-loose"
    if origin == "sample" and quantity > sampled:
        return "more-than-sampled"
    if any(faults):
        return "not-its-packages"
    return "ok"
