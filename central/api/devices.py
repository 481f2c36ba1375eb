"""Devices over HTTP: entered, invited, moved, closed; and where the register disagrees with one."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from central.access.own import own
from central.access.roles import Right
from central.api.desk import AtDesk, Desk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit, listed, where
from central.queries import devices as queries
from central.queries.devices import DeviceView, Disagreements, Wanted
from central.queries.paging import Page
from central.register.acts import Work
from central.register.asked import WithReason
from central.register.devices import service
from central.register.devices.models import DeviceState, Moved, NewDevice, NewDeviceInvitation
from central.register.devices.service import DEVICE, Device
from central.register.gateways.models import Invitation
from gateway.contract.encoding import INT8_MAX

api = APIRouter(prefix="/devices", tags=["devices"], route_class=Guarded)
_Sort = Literal[
    "name",
    "-name",
    "entity",
    "-entity",
    "place",
    "-place",
    "state",
    "-state",
]
_Name = Annotated[str, Path(max_length=100, examples=["gramsh.scanner-1"])]
_Filter = Annotated[str | None, Query(max_length=60)]
_Number = Annotated[int | None, Query(ge=1, le=INT8_MAX)]


@api.get("", response_model=Page[Device], **needs(Right.READ_DEVICES))
def all_devices(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    entity: _Filter = None,
    place: _Filter = None,
    state: DeviceState | None = None,
    sort: Annotated[_Sort, SORT] = "name",
) -> Page[Device]:
    conditions = where(DEVICE, entity=entity, place=place, state=state)
    conditions += where(DEVICE, entity=desk.by.entity)
    with desk.looking() as connection:
        return listed(connection, DEVICE, limit, cursor, *conditions, sort=sort)


@api.get("/{name}", response_model=DeviceView, **needs(Right.READ_DEVICES))
def one_device(name: _Name, desk: AtDesk) -> Response:
    """With how far its records are committed, and its scans concluded."""
    with desk.looking() as connection:
        device = queries.one(connection, name)
    return desk.tell(own(desk.by, device, device.entity, "device", name))


@api.get("/{name}/disagreements", **needs(Right.READ_DEVICES))
def disagreements(
    name: _Name,
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    epoch: _Number = None,
    first: _Number = None,
) -> Disagreements:
    """Scans that the register does not hold for true, or that an alert stands on. `first`: from
    that record of the `epoch` on."""
    with desk.looking() as connection:
        device = DEVICE.require(connection, name)
        own(desk.by, device, device.entity, "device", name)
        return queries.disagreements(connection, name, limit, cursor, Wanted(epoch, first))


@api.post("", status_code=201, response_model=Device, **needs(Right.CHANGE_DEVICES))
def enter(asked: NewDevice, desk: AtDesk) -> Response:
    """A device at a place of an entity's; who acts for one enters its own."""
    return desk.act(lambda work: service.add(work, asked), 201)


@api.post(
    "/{name}/invite", status_code=201, response_model=Invitation, **needs(Right.CHANGE_DEVICES)
)
def invite(name: _Name, asked: NewDeviceInvitation, desk: AtDesk) -> Response:
    """A one-time code, told once, by which it enrols at `/enroll`: its next epoch begins."""

    def invited(work: Work) -> Invitation:
        _require_own(work, name)
        return service.invite(work, name, asked)

    return desk.act(invited, 201, tells_once=True)


@api.post("/{name}/move", response_model=Device, **needs(Right.CHANGE_DEVICES))
def move(name: _Name, asked: Moved, desk: AtDesk) -> Response:
    """To another place of its entity's: what it scans is there, where it says no other place."""
    return _act(desk, name, lambda work: service.move(work, name, asked))


@api.post("/{name}/deactivate", response_model=Device, **needs(Right.CHANGE_DEVICES))
def deactivate(name: _Name, asked: WithReason, desk: AtDesk) -> Response:
    """None of its scans becomes an event from now on; its records are kept all the same."""
    return _act(desk, name, lambda work: service.change(work, name, "deactivated", asked.why))


@api.post("/{name}/reactivate", response_model=Device, **needs(Right.REACTIVATE_DEVICES))
def reactivate(name: _Name, asked: WithReason, desk: AtDesk) -> Response:
    """By the registry alone."""
    return _act(desk, name, lambda work: service.change(work, name, "reactivated", asked.why))


def _act(desk: Desk, name: str, do: Callable[[Work], Device]) -> Response:
    def done(work: Work) -> Device:
        _require_own(work, name)
        return do(work)

    return desk.act(done)


def _require_own(work: Work, name: str) -> None:
    """Raises `NotFound`, also where it is another's."""
    device = DEVICE.require(work.connection, name)
    own(work.by, device, device.entity, "device", name)
