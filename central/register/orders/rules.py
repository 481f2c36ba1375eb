"""The life of an order: what follows from each act. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import field_validator

from central.errors import Conflict
from central.register.acts import Act
from central.register.orders.models import NewMember, OrderState
from central.register.products.models import Import
from central.register.subject import Row, held, impossible, new
from central.said import said

STEPS: Mapping[str, tuple[frozenset[OrderState], OrderState | None]] = {
    "amended": (frozenset({"draft"}), "draft"),
    "released": (frozenset({"draft", "paused"}), "released"),
    "paused": (frozenset({"released"}), "paused"),
    "resumed": (frozenset({"paused"}), "released"),
    "completed": (frozenset({"released", "paused"}), "completed"),
    "closed": (frozenset({"completed"}), "closed"),
    "cancelled": (frozenset({"draft"}), "cancelled"),
    "limits set": (frozenset({"draft", "released", "paused"}), None),
    "held": (frozenset({"released"}), "paused"),
}
"""By act: the states that it leads from, and the one that it leads to; None: the same.

A paused order was called held once, and resuming it releasing."""


class Order(Row):
    """An order as the register holds it. `reason` is that of the last change of its state."""

    code: str
    product: str
    licence: str
    kind: str
    quantity: int
    contents: int | None
    lot: str | None
    job: str
    template: dict[str, Any]
    components: list[dict[str, Any]]
    verify: dict[str, Any]
    expect: list[str]
    tray: int | None
    imported: Import | None = None
    members: tuple[NewMember, ...]
    state: OrderState
    reason: str
    created: datetime

    @field_validator("state", mode="before")
    @classmethod
    def _as_called_once(cls, state: str) -> str:
        return "paused" if state == "held" else state


def apply(state: Order | None, act: Act) -> Order:
    """`drafted`, then as `STEPS` says. `entered` released at once, when there were no drafts.

    Raises `Conflict` or `NotFound`.
    """
    if act.what in ("drafted", "entered"):
        new("order", state, act)
        first = "draft" if act.what == "drafted" else "released"
        return Order.of(act, state=first, reason="", created=act.at)
    order = held("order", state, act)
    origins, target = STEPS[act.what]
    if order.state not in origins:
        raise Conflict(impossible("order", act.key, order.state, _told(act.what)))
    if act.what == "amended":
        return Order.of(act, state="draft", reason=act.reason, created=order.created)
    if act.what == "limits set":
        return order.model_copy(
            update={"members": _limited(order, act.payload), "version": act.id},
        )
    return order.model_copy(update={"state": target, "reason": act.reason, "version": act.id})


def _limited(order: Order, payload: Mapping[str, Any]) -> tuple[NewMember, ...]:
    """Raises `Conflict` where the gateway has no part in the order."""
    name = payload["gateway"]
    if all(member.name != name for member in order.members):
        raise Conflict(
            said("order {order} is not for gateway {gateway}", order=order.code, gateway=name)
        )
    given = {"block_size": payload["block_size"], "reserve": payload["reserve"]}
    return tuple(
        member.model_copy(update=given) if member.name == name else member
        for member in order.members
    )


def _told(what: str) -> str:
    return "given limits" if what == "limits set" else what
