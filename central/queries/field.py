"""What a device is told in the field: its places, what comes and goes, and what a code names."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import Connection, func, or_, select

from central import schema
from central.queries.devices import Disagreement, Disagreements, Found
from central.queries.models import Answer
from central.register.articles.births import born
from central.register.articles.models import ArticleKind, Disposition
from central.register.articles.rules import Article
from central.register.articles.service import known_of
from central.register.consignments.models import ConsignmentState, Direction
from central.register.devices.service import Device, is_working
from central.register.places.models import PlaceKind
from central.register.stock.scanned import resolve

MOST_PLACES = 2_000
MOST_CONSIGNMENTS = 200
_EXPECTED: tuple[ConsignmentState, ...] = ("reported", "dispatched", "received")


class WorkPlace(Answer):
    """A place of the device's entity."""

    code: str
    name: str
    kind: PlaceKind
    parent: str | None


class WorkConsignment(Answer):
    """A consignment that the entity sends (`out`) or receives (`in`). `other`: who is at its other
    end, as far as the register has entered them."""

    number: str
    way: Literal["in", "out"]
    direction: Direction
    state: ConsignmentState
    other: str | None
    planned_dispatch: datetime
    planned_arrival: datetime


class FieldWork(Answer):
    """`working`: active with its place, all that is above that, and its entity. Lists are cut at
    2,000 places and 200 consignments, those whose arrival is nearest."""

    device: str
    working: bool
    entity: str
    entity_name: str
    place: str
    places: list[WorkPlace]
    consignments: list[WorkConsignment]


class FieldCode(Answer):
    """What a code names. Of what is another's nothing is told but that."""

    code: str
    known: Annotated[
        Literal["own", "elsewhere", "ambiguous", "unknown"],
        Field(description="elsewhere: another entity holds it"),
    ]
    article: str | None = None
    kind: ArticleKind | None = None
    product: str | None = None
    model: str | None = None
    lot: str | None = None
    disposition: Disposition | None = None
    place: str | None = None
    package: str | None = None
    disputed: bool = False


class FieldCodes(Answer):
    """In the order in which they were asked for."""

    items: list[FieldCode]


def work(connection: Connection, device: Device) -> FieldWork:
    place, entity = schema.place, schema.entity
    places = connection.execute(
        select(place.c.code, place.c.name, place.c.kind, place.c.parent)
        .where(place.c.entity == device.entity, place.c.state == "active")
        .order_by(place.c.code)
        .limit(MOST_PLACES)
    )
    return FieldWork(
        device=device.name,
        working=is_working(connection, device),
        entity=device.entity,
        entity_name=connection.execute(
            select(entity.c.name).where(entity.c.code == device.entity)
        ).scalar_one(),
        place=device.place,
        places=[WorkPlace.model_validate(row, from_attributes=True) for row in places],
        consignments=_consignments(connection, device.entity),
    )


def _consignments(connection: Connection, own: str) -> list[WorkConsignment]:
    table = schema.consignment
    rows = connection.execute(
        select(table)
        .where(table.c.state.in_(_EXPECTED), or_(table.c.sender == own, table.c.recipient == own))
        .order_by(func.abs(func.extract("epoch", table.c.planned_arrival - func.now())))
        .limit(MOST_CONSIGNMENTS)
    )
    return [
        WorkConsignment(
            number=row.number,
            way="out" if row.sender == own else "in",
            direction=row.direction,
            state=row.state,
            other=row.recipient if row.sender == own else row.sender,
            planned_dispatch=row.planned_dispatch,
            planned_arrival=row.planned_arrival,
        )
        for row in rows
    ]


def own(connection: Connection, device: Device, found: Disagreements) -> Disagreements:
    """As the device may be told it: of another's things neither who has them nor where, and of what
    lies in another's package nothing."""
    events = [each.event for each in found.items if each.event is not None]
    table = schema.event_article
    rows = connection.execute(
        select(table.c.event, table.c.article).where(table.c.event.in_(events), table.c.within)
    )
    within = {(row.event, row.article) for row in rows}

    def told(each: Disagreement) -> Disagreement:
        articles = [
            article if article.holder == device.entity else _withheld(article)
            for article in each.articles
            if article.holder == device.entity or (each.event, article.article) not in within
        ]
        return each.model_copy(update={"articles": articles})

    return found.model_copy(update={"items": [told(each) for each in found.items]})


def _withheld(article: Found) -> Found:
    return article.model_copy(update={"holder": None, "place": None})


def codes(connection: Connection, device: Device, asked: Collection[str]) -> FieldCodes:
    named = resolve(connection, list(dict.fromkeys(asked)), device.entity)
    names = {each.code for each in named.values() if each.marked != "ambiguous"}
    articles = known_of(connection, names)
    articles |= {
        code: each.article for code, each in born(connection, names - articles.keys()).items()
    }
    models = _models(connection, articles.values())
    found = []
    for code in asked:
        article = articles.get(named[code].code)
        if named[code].marked == "ambiguous":
            found.append(FieldCode(code=code, known="ambiguous"))
        elif article is None:
            found.append(FieldCode(code=code, known="unknown"))
        elif article.holder != device.entity:
            found.append(FieldCode(code=code, known="elsewhere"))
        else:
            found.append(
                FieldCode(
                    code=code,
                    known="own",
                    article=article.code,
                    kind=article.kind,
                    product=article.product,
                    model=models.get(article.product or ""),
                    lot=article.lot,
                    disposition=article.disposition,
                    place=article.place,
                    package=article.package,
                    disputed=article.disputed,
                )
            )
    return FieldCodes(items=found)


def _models(connection: Connection, articles: Collection[Article]) -> dict[str, str]:
    table = schema.product
    wanted = {each.product for each in articles if each.product is not None}
    rows = connection.execute(select(table.c.code, table.c.model).where(table.c.code.in_(wanted)))
    return {row.code: row.model for row in rows}
