"""The people of a gateway over HTTP: those who sign in at the line by badge and PIN."""

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel

from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs
from central.register.acts import Work
from central.register.people import service
from central.register.people.models import NewPerson

api = APIRouter(prefix="/people", tags=["gateways"], route_class=Guarded)


class Entered(BaseModel):
    """Neither badge nor PIN is ever told."""

    gateway: str
    code: str
    version: int


@api.post("", status_code=201, response_model=Entered, **needs(Right.CHANGE_PEOPLE))
def put(asked: NewPerson, desk: AtDesk) -> Response:
    """Badge and PIN are hashed at once; the same person again replaces them."""

    def enter(work: Work) -> Entered:
        person = service.put(work, asked)
        return Entered(gateway=person.gateway, code=person.code, version=person.version)

    return desk.act(enter, 201, asks_secretly=True)
