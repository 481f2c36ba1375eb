"""How acts and events become rows: the consignment, and each article of it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from central import schema
from central.errors import Conflict, NotFound
from central.register.acts import Act
from central.register.articles.models import EventKind, Verdict
from central.register.consignments import rules
from central.register.consignments.models import Line
from central.register.consignments.rules import Consignment, apply
from central.register.subject import Subject
from central.said import counting, said

MOST_NAMED = 10
"""So many articles are named where a request is refused."""


@dataclass(frozen=True)
class _Consignments(Subject[Consignment]):
    """Its articles are rows that hang on it, of which a scan changes only those that it names."""

    def project(self, connection: Connection, act: Act) -> Consignment:
        """Raises `Conflict` or `NotFound`."""
        if act.what == "reported":
            lines = [Line.model_validate(told) for told in act.payload["lines"]]
            _free(connection, [line.code for line in lines])
            consignment = super().project(connection, act)
            _save(connection, act.key, lines)
            return consignment
        consignment = super().project(connection, act)
        match act.what:
            case "receipt ended":
                known = lines_of(connection, act.key)
                _save(connection, act.key, _changed(known, map(rules.ended, known.values())))
            case "differences resolved":
                _resolve(connection, act)
            case "closed":
                _require_none_open(connection, act.key)
        return consignment


CONSIGNMENT = _Consignments("consignment", schema.consignment, Consignment, apply, key=("number",))


def follow(
    connection: Connection, act: Act, what: EventKind, found: Mapping[str, Verdict]
) -> dict[str, Verdict]:
    """An event names the consignment that it is about: what it found, seen with that.

    What was scanned is on its way or has come, whatever else the register makes of it; an article
    that was missing where it was looked for is not.
    """
    number: str = act.payload["consignment"]
    fault: str = act.payload["fault"]
    before = CONSIGNMENT.require(connection, number)
    after = rules.told(before, what, act.id, fault)
    if after is None:
        return {code: _or(verdict, "consignment-over") for code, verdict in found.items()}
    known = lines_of(connection, number, found)
    scanned = {
        code: rules.scanned(known.get(code), code, what, act.key)
        for code, verdict in found.items()
        if verdict != "missing"
    }
    CONSIGNMENT.keep(connection, number, before, after)
    _save(connection, number, _changed(known, scanned.values()))
    return {
        code: _or(verdict, "not-cleared" if fault else "ok")
        if code in known and known[code].listed
        else _or(verdict, "not-listed")
        for code, verdict in found.items()
    }


def lines_of(
    connection: Connection, number: str, codes: Collection[str] | None = None
) -> dict[str, Line]:
    """By code: all that a consignment lists or was found in it, or those of the codes."""
    table = schema.consignment_article
    query = select(table).where(table.c.consignment == number).order_by(table.c.code)
    if codes is not None:
        query = query.where(table.c.code.in_(list(codes)))
    return {row.code: Line.model_validate(row) for row in connection.execute(query)}


def _or(verdict: Verdict, otherwise: Verdict) -> Verdict:
    return otherwise if verdict == "ok" else verdict


def _free(connection: Connection, codes: Collection[str]) -> None:
    """Nothing is listed twice while it has not arrived. Raises `Conflict`."""
    line, table = schema.consignment_article, schema.consignment
    rows = connection.execute(
        select(line.c.code, line.c.consignment)
        .join(table, table.c.number == line.c.consignment)
        .where(
            line.c.code.in_(list(codes)),
            line.c.listed,
            line.c.state.in_(("awaited", "dispatched")),
            table.c.state.in_(rules.ON_THE_WAY),
        )
        .order_by(line.c.code)
        .limit(MOST_NAMED)
    ).all()
    if rows:
        told = ", ".join(f"{row.code} (consignment {row.consignment})" for row in rows)
        raise Conflict(said("listed already, and not yet received: {articles}", articles=told))


def _resolve(connection: Connection, act: Act) -> None:
    codes: list[str] = act.payload["articles"]
    known = lines_of(connection, act.key, codes)
    strange = sorted(set(codes) - known.keys())
    if strange:
        raise NotFound(
            said(
                "consignment {number} has no {articles}",
                number=act.key,
                articles=", ".join(strange[:MOST_NAMED]),
            )
        )
    _save(
        connection,
        act.key,
        [rules.resolved(line, act.payload["resolution"], act.reason) for line in known.values()],
    )


def _require_none_open(connection: Connection, number: str) -> None:
    left = [line.code for line in lines_of(connection, number).values() if rules.is_open(line)]
    if left:
        few = ", ".join(left[:MOST_NAMED])
        raise Conflict(
            counting(
                len(left),
                "consignment {number}: {n} difference stands, as of {articles}",
                "consignment {number}: {n} differences stand, as of {articles}",
                number=number,
                articles=few,
            )
        )


def _changed(known: Mapping[str, Line], after: Iterable[Line]) -> list[Line]:
    return [line for line in after if known.get(line.code) != line]


def _save(connection: Connection, number: str, lines: Collection[Line]) -> None:
    if not lines:
        return
    table = schema.consignment_article
    statement = insert(table)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["consignment", "code"],
            set_={
                column.name: statement.excluded[column.name]
                for column in table.columns
                if column.name not in ("consignment", "code")
            },
        ),
        [{"consignment": number, **line.model_dump()} for line in lines],
    )
