"""Giving numbers to units: each once, whatever becomes of prefixes and databases."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from central import schema
from central.errors import Conflict, NotFound, Refused
from central.register.acts import Act, Work
from central.register.entities.service import ENTITY, Entity
from central.register.subject import Row, Subject
from central.register.units import numbers
from central.register.units.models import GoOn, NewUnits
from central.register.units.numbers import Scheme
from central.said import Word, counting, said

GIVING = 0x756E6974
"""The advisory lock of who gives numbers, from looking for free ones until they are given."""
_LOOK = 500
"""So many serials at least are looked up at a time: what was numbered by hand stands together."""


class Series(Row):
    """`next`: the serial that it goes on with. `entity`: whose numbers it gave last."""

    prefix: str
    scheme: Scheme
    entity: str
    next: int


class Given(Row):
    """Numbers that were given together; `version` is the act that gave them."""

    series: str
    scheme: Scheme
    entity: str
    numbers: tuple[str, ...]


def apply(state: Series | None, act: Act) -> Series:
    """`allocated`, or `goes on`: what follows never comes before what was. Raises `Conflict`."""
    following = act.payload["next"]
    if state is not None and following < state.next + (act.what == "allocated"):
        raise Conflict(
            said(
                "series {series} goes on with {next}; that lies behind",
                series=act.key,
                next=state.next,
            )
        )
    return Series(
        prefix=act.key,
        scheme=numbers.scheme_of(act.key),
        entity=act.payload["entity"],
        next=following,
        version=act.id,
    )


class _Giving(Subject[Series]):
    """The numbers of an act stand in it, so that they are the same when it is repeated."""

    def project(self, connection: Connection, act: Act) -> Series:
        after = super().project(connection, act)
        rows = [
            {
                "code": code,
                "series": act.key,
                "entity": after.entity,
                "given": act.at,
                "version": act.id,
            }
            for code in act.payload.get("numbers", ())
        ]
        if rows:
            connection.execute(insert(schema.unit_number), rows)
        return after


SERIES = _Giving("unit-series", schema.unit_series, Series, apply, key=("prefix",))


def allocate(work: Work, asked: NewUnits) -> Given:
    """The next numbers of its series that the register knows nothing of.

    Raises `NotFound`, `Refused` where the entity has not what the numbers begin with, `Conflict`
    where it is inactive, the series is used up, or nobody said since a restore where it goes on.
    """
    connection = work.connection
    entity = ENTITY.require(connection, asked.entity)
    if entity.state != "active":
        raise Conflict(
            said(
                "entity {entity} is {state}",
                entity=entity.code,
                state=Word(entity.state, "value"),
            )
        )
    series = _series(entity, asked)
    connection.execute(select(func.pg_advisory_xact_lock(GIVING)))
    state = SERIES.load(connection, series)
    _require_known_end(connection, series, state)
    found, following = _free(connection, series, state.next if state else 0, asked.quantity)
    payload = {"entity": entity.code, "numbers": found, "next": following}
    after = work.act(SERIES, series, "allocated", payload)
    return Given(
        series=series,
        scheme=after.scheme,
        entity=after.entity,
        numbers=tuple(found),
        version=after.version,
    )


def go_on(work: Work, series: str, asked: GoOn) -> Series:
    """After a restore: what of the series was given is known by other means than this database.

    Also begins a series of an entity's prefix. Raises `NotFound`, `Refused` or `Conflict`.
    """
    connection = work.connection
    connection.execute(select(func.pg_advisory_xact_lock(GIVING)))
    state = SERIES.load(connection, series)
    entity = _whose(connection, series) if state is None else state.entity
    if entity is None:
        raise NotFound(
            said("no series {series}, and no entity's prefix or NCAGE makes one", series=series)
        )
    if asked.next > numbers.capacity(series):
        raise Refused(
            said("next: series {series} has {n} numbers", series=series, n=numbers.capacity(series))
        )
    return work.act(
        SERIES,
        series,
        "goes on",
        {"entity": entity, "next": asked.next},
        why=asked.why,
        expects=True,
    )


def owner_of(connection: Connection, code: str) -> str | None:
    """The entity that a unit's number was given to, or whose prefix or NCAGE it begins with."""
    given, table = schema.unit_number, schema.entity
    found = connection.execute(select(given.c.entity).where(given.c.code == code)).scalar()
    if found is not None:
        return str(found)
    own = (
        func.starts_with(literal(code[1:]), table.c.gs1_prefix)
        if numbers.is_sscc(code)
        else func.starts_with(literal(code), numbers.AGENCY_OF_NCAGE + table.c.ncage)
    )
    # Of two prefixes the longer one is the narrower.
    longest = func.length(table.c.gs1_prefix).desc().nulls_last()
    return connection.execute(select(table.c.code).where(own).order_by(longest)).scalar()


def _series(entity: Entity, asked: NewUnits) -> str:
    scheme = asked.scheme or ("sscc" if entity.gs1_prefix else "licence-plate")
    if scheme == "sscc":
        if entity.gs1_prefix is None:
            raise Refused(said("scheme: {entity} has no GS1 company prefix", entity=entity.code))
        return numbers.series_of_sscc(asked.extension or 0, entity.gs1_prefix)
    if asked.extension is not None:
        raise Refused(said("extension stands with an SSCC"))
    if entity.ncage is None:
        raise Refused(
            said(
                "entity: {entity} has neither a GS1 company prefix nor an NCAGE",
                entity=entity.code,
            )
        )
    return numbers.series_of_plate(entity.ncage)


def _require_known_end(connection: Connection, series: str, state: Series | None) -> None:
    """A restored database may have forgotten numbers that stand on crates."""
    act = schema.act
    restored = connection.execute(
        select(func.max(act.c.id)).where(
            act.c.subject == "register", act.c.what == "restore declared"
        )
    ).scalar_one()
    if restored is not None and (state is None or state.version < restored):
        raise Conflict(
            said(
                "the register was restored, and nobody has said since with which serial series"
                " {series} goes on (POST /api/v1/units/series/{series}/go-on)",
                series=series,
            )
        )


def _free(connection: Connection, series: str, serial: int, quantity: int) -> tuple[list[str], int]:
    """So many numbers from the serial on that nothing carries, and the serial that follows."""
    found: list[str] = []
    while len(found) < quantity:
        last = min(serial + max(quantity, _LOOK), numbers.capacity(series))
        if serial >= last:
            raise Conflict(
                counting(
                    len(found),
                    "series {series} has {n} number left; an SSCC takes another extension",
                    "series {series} has {n} numbers left; an SSCC takes another extension",
                    series=series,
                )
            )
        candidates = [numbers.number(series, each) for each in range(serial, last)]
        taken = _taken(connection, candidates)
        free = [at for at, code in enumerate(candidates) if code not in taken]
        used = free[: quantity - len(found)]
        found += [candidates[at] for at in used]
        serial = serial + used[-1] + 1 if len(found) == quantity else last
    return found, serial


def _taken(connection: Connection, codes: Sequence[str]) -> set[str]:
    """Given before, by a longer or shorter prefix too; told of in an event; or on an item."""
    columns = (schema.unit_number.c.code, schema.article.c.code, schema.item.c.uii)
    return {
        code
        for column in columns
        for code in connection.execute(select(column).where(column.in_(codes))).scalars()
    }


def _whose(connection: Connection, series: str) -> str | None:
    table = schema.entity
    if numbers.scheme_of(series) == "sscc":
        condition = table.c.gs1_prefix == series[1:]
    else:
        condition = table.c.ncage == series.removeprefix(numbers.AGENCY_OF_NCAGE)
    return connection.execute(select(table.c.code).where(condition)).scalar_one_or_none()
