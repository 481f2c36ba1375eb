"""Issuing, suspending, reinstating and revoking a licence."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from central import schema
from central.errors import Conflict
from central.register.acts import Act, Why, Work
from central.register.licences.models import LicenceState, NewLicence
from central.register.subject import Row, Subject, held, new

_STEPS: dict[str, tuple[tuple[LicenceState, ...], LicenceState]] = {
    "suspended": (("active",), "suspended"),
    "reinstated": (("suspended",), "active"),
    "revoked": (("active", "suspended"), "revoked"),
}
"""By act: the states that it leads from, and the state that it leads to."""


class Licence(Row):
    """A licence as the register holds it. `reason` is that of the last change of its state."""

    number: str
    entity: str
    state: LicenceState
    valid_from: datetime
    valid_until: datetime
    reason: str
    created: datetime


def apply(state: Licence | None, act: Act) -> Licence:
    """Raises `Conflict` where that step does not exist: revoked is the end."""
    if act.what == "issued":
        new("licence", state, act)
        return Licence.of(act, state="active", reason="", created=act.at)
    licence = held("licence", state, act)
    origins, target = _STEPS[act.what]
    if licence.state not in origins:
        raise Conflict(f"licence {act.key} is {licence.state}; it cannot be {act.what}")
    return licence.model_copy(update={"state": target, "reason": act.reason, "version": act.id})


LICENCE = Subject("licence", schema.licence, Licence, apply, key=("number",))


def issue(work: Work, asked: NewLicence) -> Licence:
    """Raises `Conflict` or `NotFound`."""
    return work.act(LICENCE, asked.number, "issued", asked.model_dump(mode="json"))


def change(work: Work, number: str, what: str, why: Why) -> Licence:
    """`what`: suspended, reinstated or revoked. Raises `NotFound` or `Conflict`."""
    gateways = marking_under(work.connection, number)
    return work.act(LICENCE, number, what, why=why, gateways=gateways, expects=True)


def marking_under(connection: Connection, number: str) -> Iterable[str]:
    """The gateways of all orders that stand on a licence."""
    order, at = schema.orders, schema.order_gateway
    return connection.execute(
        select(at.c.gateway)
        .join(order, order.c.code == at.c.order_code)
        .where(order.c.licence == number)
        .distinct()
    ).scalars()
