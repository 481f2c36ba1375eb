"""How PostgreSQL carries out what a request asks it, as if the register were a thousand times as
large.

    async with in_process(config, engine) as ask:        # tests.support.asking
        heard = await gather(ask, engine, url)
    pretend_growth(connection)
    for found in judged(connection, heard): ...
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Engine, event

from tests.support.asking import Ask, following, questions, roles

GROWING = frozenset(
    {
        *("item", "claim", "about", "record", "batch", "sample_group", "act", "event"),
        *("event_article", "article", "legacy", "alert", "consignment", "consignment_article"),
        *("refusal", "evidence", "delivery", "delivery_attempt", "import_refusal"),
    }
)
"""Tables that grow with what is made and told."""
BY_TENS = (
    *(("item", "order_code"), ("claim", "order_code"), ("article", "order_code")),
    *(("article", "package"), ("article", "lot"), ("consignment_article", "consignment")),
    *(("event_article", "event"), ("delivery", "alert")),
)
"""What grows in number and not in size: there will be more orders, and not larger ones."""
TIMES = 1000
MOST_ROWS, MOST_PART = 2_000, 0.2
"""So many rows of a growing table a statement may touch, or such a part of the table."""
MOST_AT_ONCE = 50_000
"""So many, of a table as large as it is: what follows reads in some tens of milliseconds."""


class Statement:
    """`parameters` as they are bound; the same with equal ones is the same."""

    def __init__(self, text: str, parameters: Any) -> None:
        self.text, self.parameters = text, parameters
        self._key = (text, repr(parameters))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Statement) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def counts(statement: Statement, query: str) -> bool:
    """Whether it counts every number of a period or of several orders, of which the live page shows
    some and a list tells the balance; or all that lies at hand, or in the packages of a page."""
    codes = statement.parameters.get("codes") or []
    if statement.text.startswith("SELECT key, ") and len(codes) != 1:
        return True
    whole = query.partition("?")[0] == "/api/v1/stock"
    return whole or statement.text.startswith("WITH RECURSIVE inside")


@contextmanager
def listening(engine: Engine) -> Iterator[list[Statement]]:
    """All that is read through the engine meanwhile, by whatever thread."""
    heard: list[Statement] = []

    def on_execute(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any
    ) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            heard.append(Statement(statement, parameters))

    event.listen(engine, "before_cursor_execute", on_execute)
    try:
        yield heard
    finally:
        event.remove(engine, "before_cursor_execute", on_execute)


def pretend_growth(connection: psycopg.Connection[Any]) -> None:
    """From now on the planner takes these tables for a thousand times as large: as they will be.

    Until they are analysed again. What is in them, and how it is spread, stays.
    """
    for table in GROWING:
        connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)".encode())
    for table, column in BY_TENS:
        part = f"count(DISTINCT {column})::float / greatest(count({column}), 1)"
        row = connection.execute(f"SELECT {part} FROM {table}".encode()).fetchone()
        assert row is not None
        change = f"ALTER TABLE {table} ALTER COLUMN {column}"
        connection.execute(f"{change} SET (n_distinct = {-max(row[0], 1e-6):.8f})".encode())
        connection.execute(f"{change} SET STATISTICS 1".encode())
    connection.execute(f"ANALYZE {', '.join(sorted(GROWING))}".encode())
    connection.execute(
        "UPDATE pg_class SET reltuples = greatest(reltuples, 100) * %s"
        " WHERE oid = ANY(%s::regclass[])",
        (TIMES, sorted(GROWING)),
    )
    connection.commit()


@dataclass(frozen=True)
class Fault:
    """A growing table that is read from one end to the other; or of which too much is read."""

    table: str
    what: str

    def __str__(self) -> str:
        return f"{self.table}: {self.what}"


def faults(
    connection: psycopg.Connection[Any], statement: Statement, times: int = TIMES
) -> list[Fault]:
    """By the plan, carried out once within the caller's transaction. `times`: so many times as
    large the tables are taken to be."""
    most = MOST_ROWS if times > 1 else MOST_AT_ONCE
    cursor = connection.execute(
        ("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + statement.text).encode(),
        statement.parameters,
    )
    row = cursor.fetchone()
    assert row is not None
    told = row[0] if isinstance(row[0], list) else json.loads(row[0])
    sizes = dict(
        connection.execute(
            "SELECT relname, reltuples / %s FROM pg_class WHERE oid = ANY(%s::regclass[])",
            (times, sorted(GROWING)),
        ).fetchall()
    )
    found: dict[Fault, None] = {}
    for node in _nodes(told[0]["Plan"]):
        table = node.get("Relation Name")
        if table not in GROWING:
            continue
        kind = node["Node Type"]
        read = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        if kind == "Seq Scan" and node["Actual Loops"] and (times > 1 or read > most):
            found[Fault(table, f"read from end to end: {_short(node)}")] = None
        elif read > max(most, MOST_PART * sizes[table]):
            what = f"{read:.0f} rows by {kind} {node.get('Index Name', '')}"
            found[Fault(table, f"{what}: {_short(node)}")] = None
    return list(found)


def _short(node: dict[str, Any]) -> str:
    """By what it is filtered."""
    return str(node.get("Filter", "no filter"))[:120]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


@dataclass(frozen=True)
class Found:
    """What is wrong with how a question is answered."""

    query: str
    role: str
    fault: Fault
    statement: Statement

    def __str__(self) -> str:
        text = " ".join(self.statement.text.split())
        return f"{self.role} {self.query}: {self.fault}\n    {text[:300]}"


async def gather(ask: Ask, engine: Engine, url: str) -> dict[Statement, tuple[str, str]]:
    """All that is executed for every question and for the page that follows on its answer, each
    statement with who asked and what, at first."""
    found: dict[Statement, tuple[str, str]] = {}
    for path, query in questions(url):
        for role in roles(path):
            with listening(engine) as heard:
                answer = await ask(role, query)
                assert answer.status_code in (200, 403, 404), f"{query}: {answer.text}"
                more = following(query, answer) if answer.status_code == 200 else None
                if more is not None:
                    await ask(role, more)
            for statement in heard:
                found.setdefault(statement, (role, query))
    return found


def judged(
    connection: psycopg.Connection[Any],
    heard: Mapping[Statement, tuple[str, str]],
    times: int = TIMES,
) -> list[Found]:
    """Carry each of them out once more, but those that count; what of that reads too much."""
    found = []
    for statement, (role, query) in heard.items():
        if counts(statement, query):
            continue
        found += [
            Found(query, role, fault, statement) for fault in faults(connection, statement, times)
        ]
        connection.rollback()
    return found
