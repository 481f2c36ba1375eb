"""Entering a device, inviting it, moving it to another place, closing and opening it."""

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select

from central import schema
from central.errors import Conflict, NotFound, Refused
from central.register.acts import Act, Why, Work
from central.register.devices.models import DeviceState, Moved, NewDevice, NewDeviceInvitation
from central.register.gateways import service as gateways
from central.register.gateways.models import Invitation, NewInvitation
from central.register.ownership import owns
from central.register.places.service import PLACE, is_active
from central.register.subject import Row, Subject, held, impossible, new, no_such
from central.said import Word, said

_STEPS: dict[str, tuple[DeviceState, DeviceState]] = {
    "deactivated": ("active", "inactive"),
    "reactivated": ("inactive", "active"),
}
"""By act: the state that it leads from, and the state that it leads to."""


class Device(Row):
    """A device as the register holds it. `reason` is that of the last change of its state.

    `state` is its own; its place and its entity count too.
    """

    name: str
    entity: str
    place: str
    state: DeviceState
    reason: str
    created: datetime


def apply(state: Device | None, act: Act) -> Device:
    """Raises `Conflict` or `NotFound`."""
    if act.what == "entered":
        new("device", state, act)
        return Device.of(act, state="active", reason="", created=act.at)
    device = held("device", state, act)
    if act.what == "moved":
        return device.model_copy(update={"place": act.payload["place"], "version": act.id})
    origin, target = _STEPS[act.what]
    if device.state != origin:
        raise Conflict(impossible("device", act.key, device.state, act.what))
    return device.model_copy(update={"state": target, "reason": act.reason, "version": act.id})


DEVICE = Subject("device", schema.device, Device, apply, key=("name",))


def add(work: Work, asked: NewDevice) -> Device:
    """At a place of its entity's. Raises `NotFound`, or `Conflict`: the name is a gateway's."""
    connection, table = work.connection, schema.gateway
    place = PLACE.require(connection, asked.place)
    if not owns(work.by.entity, place.entity):
        raise NotFound(no_such("place", asked.place))
    if not is_active(connection, asked.place):
        raise Conflict(said("place {code} is inactive", code=asked.place))
    if connection.execute(select(table.c.name).where(table.c.name == asked.name)).first():
        raise Conflict(said("{name} is a gateway", name=asked.name))
    payload = asked.model_dump(mode="json") | {"entity": place.entity}
    return work.act(DEVICE, asked.name, "entered", payload)


def invite(work: Work, name: str, asked: NewDeviceInvitation) -> Invitation:
    """A one-time code, by which its next epoch begins. Raises `NotFound` or `Conflict`."""
    device = DEVICE.require(work.connection, name, lock=True)
    if device.state != "active":
        raise Conflict(
            said(
                "device {name} is {state}; it is not invited",
                name=name,
                state=Word(device.state, "value"),
            )
        )
    return gateways.give_code(work, NewInvitation(gateway=name, **asked.model_dump()))


def move(work: Work, name: str, asked: Moved) -> Device:
    """To another place of its entity's. Raises `NotFound` or `Refused`."""
    device = DEVICE.require(work.connection, name, lock=True)
    place = PLACE.require(work.connection, asked.place)
    if place.entity != device.entity:
        if work.by.entity is not None:
            raise NotFound(no_such("place", asked.place))
        raise Refused(
            said(
                "place {code} is of {owner}, not of {entity}",
                code=asked.place,
                owner=place.entity,
                entity=device.entity,
            )
        )
    payload = {"place": asked.place}
    return work.act(DEVICE, name, "moved", payload, why=asked.why, expects=True)


def change(work: Work, name: str, what: Literal["deactivated", "reactivated"], why: Why) -> Device:
    """While it is inactive none of its scans becomes an event. Raises `NotFound` or `Conflict`."""
    return work.act(DEVICE, name, what, why=why, expects=True)


def is_working(connection: Connection, device: Device) -> bool:
    """Whether it is active with its place, all that is above that, and its entity."""
    return device.state == "active" and is_active(connection, device.place)
