"""Stock that was marked before there was a register, and what was refused of its files."""

from typing import Annotated, Any, NamedTuple

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, Select, select

from central import schema
from central.queries.models import Answer
from central.queries.paging import Count, Page, Text, page, position
from central.register.articles.models import ArticleKind, Disposition
from central.register.imports.marks import looks
from central.register.imports.models import Fault


class Legacy(Answer):
    """What is on an article that the register never marked, and where it is now. `keeper` had it
    under `inventory` when it was imported, on that `line` of the import's file."""

    code: str
    kind: ArticleKind
    inventory: str
    keeper: str
    maker: str
    model: str
    calibre: str
    serial: Annotated[str | None, Field(description="of a weapon")]
    lot: Annotated[str | None, Field(description="of a lot of ammunition")]
    quantity: Annotated[int | None, Field(description="of a lot: so many pieces")]
    marks: Annotated[str, Field(description="as engraved")]
    year: int | None
    country: str | None
    doubled: Annotated[
        bool, Field(description="another one has marks that could be taken for the same")
    ]
    import_number: str
    line: int
    disposition: Disposition
    holder: str
    place: str | None
    disputed: bool


class Wanted(NamedTuple):
    """Stock with all of it; `alike`: with marks that could be taken for that article's."""

    holder: str | None = None
    kind: ArticleKind | None = None
    disposition: Disposition | None = None
    place: str | None = None
    maker: str | None = None
    model: str | None = None
    serial: str | None = None
    lot: str | None = None
    inventory: str | None = None
    import_number: str | None = None
    doubled: bool | None = None


def listed(
    connection: Connection,
    limit: int,
    cursor: str | None,
    wanted: Wanted,
    *,
    entity: str | None = None,
    alike: str | None = None,
) -> Page[Legacy]:
    """By code; `entity`: only what it holds. Raises `Refused`: a cursor that no page gave."""
    legacy, article = schema.legacy, schema.article
    conditions: list[ColumnElement[bool]] = [
        (legacy if name in legacy.c else article).c[name] == value
        for name, value in wanted._asdict().items()
        if value is not None
    ]
    marked = wanted.serial or wanted.lot
    if marked is not None:  # how it looks is kept with it, and found by
        conditions.append(legacy.c.number == (looks(marked) or None))
    if entity is not None:
        conditions.append(article.c.holder == entity)
    if alike is not None:
        that = select(legacy.c.folded).where(legacy.c.code == alike).scalar_subquery()
        conditions.append(legacy.c.folded == that)
    after = position(cursor, Text)
    if after is not None:
        conditions.append(legacy.c.code > after[0])
    query = _whole().where(*conditions).order_by(legacy.c.code).limit(limit + 1)
    found = [Legacy.model_validate(row._mapping) for row in connection.execute(query)]
    return page(found, limit, lambda each: (each.code,))


def of_article(connection: Connection, code: str) -> Legacy | None:
    """None of what the register marked itself, and of units."""
    row = connection.execute(_whole().where(schema.legacy.c.code == code)).one_or_none()
    return None if row is None else Legacy.model_validate(row._mapping)


def _whole() -> Select[Any]:
    legacy, article = schema.legacy, schema.article
    return select(
        *((legacy if name in legacy.c else article).c[name] for name in Legacy.model_fields)
    ).join(article, article.c.code == legacy.c.code)


def refusals(
    connection: Connection,
    number: str,
    limit: int,
    cursor: str | None,
) -> Page[Fault]:
    """Line by line. Raises `Refused`: a cursor that no page gave."""
    table = schema.import_refusal
    query = select(table).where(table.c.import_number == number)
    after = position(cursor, Count, Count)
    if after is not None:
        line, at = after
        query = query.where(
            (table.c.line > line) | ((table.c.line == line) & (table.c.position > at))
        )
    rows = connection.execute(query.order_by(table.c.line, table.c.position).limit(limit + 1))
    found = [Fault.model_validate(row) for row in rows]
    return page(found, limit, lambda fault: (fault.line, fault.position))
