"""What everybody may know, over HTTP: without a token, for whoever asks, and for caches to keep.

A list is told whole: the registers of a country's licensed and excluded are short.
"""

import json
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from central.api.export import FORMATS, as_csv, as_jsonl, wanted
from central.api.listing import SORT
from central.errors import NotFound
from central.public import lists, telling
from central.public.copy import Copy
from central.public.lists import (
    EntitySort,
    ExclusionSort,
    LicenceSort,
    WantedEntities,
    WantedExclusions,
    WantedLicences,
)
from central.public.models import (
    Entities,
    EntityStanding,
    EntityWithLicences,
    Exclusions,
    Figure,
    Figures,
    Licences,
    LicenceStanding,
    PublicEntity,
    PublicExclusion,
    PublicLicence,
)
from central.public.pace import Pace
from central.register.entities.models import EntityKind
from central.register.exclusions.models import Ground
from central.register.identifiers import MilitaryCategory
from central.register.licences.terms import Activity
from central.register.subject import no_such

_JSON = "application/json"
_PART = 200
"""So many rows are written at once."""
_Q = Annotated[str, Query(max_length=200, description="All of these words, wherever they stand")]
_Key = Annotated[str, Path(max_length=60, examples=["KMP"])]
_Number = Annotated[str, Path(max_length=60, examples=["PRO-2026-014"])]
_ANSWERS: dict[int | str, dict[str, Any]] = {
    304: {"description": "`If-None-Match` brought its `ETag`"},
    429: {},
}


@dataclass(frozen=True)
class Public:
    """What a server needs to answer everybody."""

    copy: Copy
    pace: Pace

    @classmethod
    def of(cls, request: Request) -> "Public":
        """Raises `TooMany`."""
        found = request.app.state.public
        assert isinstance(found, cls)
        found.pace.ask(request.client.host if request.client else "")
        return found


class OpenToAll(APIRoute):
    """A route that looks at nobody, and lets nobody ask without end."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def open_to_all(request: Request) -> Response:
            Public.of(request)
            return await handle(request)

        return open_to_all


api = APIRouter(prefix="/public", tags=["public"], route_class=OpenToAll, responses=_ANSWERS)


@api.get("/entities", response_model=Entities)
def all_entities(
    request: Request,
    q: _Q = "",
    kind: EntityKind | None = None,
    activity: Activity | None = None,
    standing: EntityStanding | None = None,
    sort: Annotated[EntitySort, SORT] = "name",
) -> Response:
    """The register of licensed entities: who has, or had, a licence."""
    asked = WantedEntities(q, kind, activity, standing, sort)
    return _list(request, lists.entities(_copy(request).look(), asked), PublicEntity)


@api.get("/entities/{code}", response_model=EntityWithLicences)
def one_entity(request: Request, code: _Key) -> Response:
    published = _copy(request).look()
    found = published.entities.get(code)
    if found is None:
        raise NotFound(no_such("entity", code))
    licences = published.licences_of(code)
    whole = EntityWithLicences(**found.model_dump(), licences=licences)
    return telling.whole(request, whole.model_dump_json().encode(), _JSON)


@api.get("/licences", response_model=Licences)
def all_licences(
    request: Request,
    q: _Q = "",
    entity: Annotated[str | None, Query(max_length=60)] = None,
    activity: Activity | None = None,
    category: MilitaryCategory | None = None,
    standing: LicenceStanding | None = None,
    sort: Annotated[LicenceSort, SORT] = "number",
) -> Response:
    """Every licence that was issued, and what it is good for now. A `category` finds those that
    name it; one that names none is for the whole list."""
    asked = WantedLicences(q, entity, activity, category, standing, sort)
    return _list(request, lists.licences(_copy(request).look(), asked), PublicLicence)


@api.get("/licences/{number}", response_model=PublicLicence)
def one_licence(request: Request, number: _Number) -> Response:
    """Capitals and space in the number do not matter. One that only looks like it is not told."""
    found = _copy(request).look().numbers.find(number).licence
    if found is None:
        raise NotFound(no_such("licence", number))
    return telling.whole(request, found.model_dump_json().encode(), _JSON)


@api.get("/exclusions", response_model=Exclusions)
def all_exclusions(
    request: Request,
    q: _Q = "",
    ground: Ground | None = None,
    sort: Annotated[ExclusionSort, SORT] = "name",
) -> Response:
    """Entities that are excluded now. Persons are in the statistics alone."""
    asked = WantedExclusions(q, ground, sort)
    return _list(request, lists.exclusions(_copy(request).look(), asked), PublicExclusion)


@api.get("/statistics", response_model=Figures)
def statistics(request: Request) -> Response:
    """Marks of past years are missing while they are being counted after a start."""
    return _list(request, _copy(request).figures()[0], Figure)


def _copy(request: Request) -> Copy:
    public: Public = request.app.state.public
    return public.copy


def _list(request: Request, rows: Sequence[BaseModel], model: type[BaseModel]) -> Response:
    """Raises `Refused` for a form that there is not."""
    form = wanted(request)
    name = request.url.path.rpartition("/")[2]
    parts = {"json": _json, "csv": _csv, "jsonl": _jsonl}[form]
    file = "" if form == "json" else f"{name}.{form}"
    return telling.streamed(request, lambda: parts(rows, model), FORMATS.get(form, _JSON), file)


def _json(rows: Sequence[BaseModel], _: type[BaseModel]) -> Iterator[str]:
    yield '{"rows":['
    for number, row in enumerate(rows):
        yield ("," if number else "") + row.model_dump_json()
    yield "]}"


def _jsonl(rows: Sequence[BaseModel], _: type[BaseModel]) -> Iterator[str]:
    for part in _parts(rows):
        yield as_jsonl(part, False)


def _csv(rows: Sequence[BaseModel], model: type[BaseModel]) -> Iterator[str]:
    write = as_csv(list(model.model_fields))
    yield write([], True)
    for part in _parts(rows):
        yield write(part, False)


def _parts(rows: Sequence[BaseModel]) -> Iterator[list[dict[str, Any]]]:
    for begin in range(0, len(rows), _PART):
        yield [json.loads(row.model_dump_json()) for row in rows[begin : begin + _PART]]
