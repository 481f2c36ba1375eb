"""What is asked of a register of full size, against the bare statements for the same rows.

The application's queries are called directly, on one connection; the bare ones go through the same
driver on another. Both take turns, each with keys of its own, so that neither warms the other's.
"""

import asyncio
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
from sqlalchemy import Connection

from bench.grown import Register
from bench.growth import import_of, ingest_of
from bench.measure import Measurement, percentile
from central.queries import articles, balances, items, marks
from central.queries.reading import snapshot
from simulators.demo.processes import Child
from tests.support import asking, plans

SMALL = 10_000
"""Marks of the register that growth is measured from."""
WARM = 15
YEAR = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    marks: int
    small: int
    rounds: int
    lookups: int
    """Of each kind, a round."""
    pages: int
    batches: int
    rows: int
    """Of a file that is imported."""


FULL = Size(marks=100_000, small=SMALL, rounds=5, lookups=400, pages=60, batches=120, rows=100_000)
QUICK = Size(marks=3_000, small=1_000, rounds=1, lookups=20, pages=3, batches=3, rows=200)

Bare = psycopg.Connection[tuple[Any, ...]]


def run(size: Size, about: dict[str, Any], state: Any = None) -> list[Measurement]:
    """Generates what is not there yet. Enters the register's size into `about`."""
    with Register.of(size.marks, state) as register:
        with psycopg.connect(register.url) as bare:
            row = bare.execute(
                "SELECT current_setting('server_version'), pg_database_size(current_database())"
            ).fetchone()
            assert row is not None
            about["postgresql"] = row[0]
            about["register"] = register.told | {"database_gib": round(row[1] / 2**30, 2)}
            with snapshot(register.engine) as ours:
                found = [
                    _lookup(size, ours, bare),
                    _page(size, ours, bare),
                    _tree(size, ours, bare),
                    _balance(size, ours, bare),
                ]
        found[0].notes += _by_http(register, size)
        found.append(import_of(register, size.rows, size.rounds))
        with Register.of(size.small) as small:
            found.append(ingest_of(register, small, size.batches, size.rounds))
        found[1].notes += _plans(register)
    for measurement in found:
        measurement.notes.insert(0, f"a register of {register.told['marks']:,} marks")
    return found


def _timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _both(
    found: Measurement,
    count: int,
    ours: tuple[str, Callable[[int], object]],
    bare: tuple[str, Callable[[int], object]],
    *,
    tail: bool = True,
) -> None:
    """One round, in turns: the middle of each, and where `tail` its 99th of a hundred."""
    for turn in range(min(count, WARM)):  # a statement is prepared, and planned, by its first calls
        ours[1](turn)
        bare[1](turn)
    taken: dict[str, list[float]] = {ours[0]: [], bare[0]: []}
    for turn in range(count):
        for name, work in (bare, ours) if turn % 2 else (ours, bare):
            taken[name].append(_timed(lambda work=work, turn=turn: work(turn)))  # type: ignore[misc]
    for part, rank in (("p50", 0.5), ("p99", 0.99)) if tail else (("p50", 0.5),):
        limit = f"{part}, {bare[0]}"
        found.add(limit, percentile(taken[bare[0]], rank))
        found.add(f"{part}, {ours[0]}", percentile(taken[ours[0]], rank), against=(limit,))


def _lookup(size: Size, ours: Connection, bare: Bare) -> Measurement:
    found = Measurement("register-lookup", "An item by its UII", "ms", "lower")
    uiis = _some(bare, "uii", size.lookups * size.rounds)
    ids = _some(bare, "id", size.lookups * size.rounds)
    for turn in range(size.rounds):
        at = turn * size.lookups
        _both(
            found,
            size.lookups,
            ("lookup by UII", lambda n, at=at: items.by_uii(ours, uiis[at + n])),  # type: ignore[misc]
            (
                "bare select by primary key",
                lambda n, at=at: bare.execute(  # type: ignore[misc]
                    "SELECT * FROM item WHERE id = %s", (ids[at + n],)
                ).fetchall(),
            ),
        )
    return found


def _some(bare: Bare, column: str, count: int) -> list[Any]:
    """Values of items from all over the table."""
    row = bare.execute("SELECT max(id) FROM item").fetchone()
    assert row is not None
    chosen = [random.randint(1, row[0]) for _ in range(count * 2)]  # noqa: S311 - which rows
    query = f"SELECT {column} FROM item WHERE id = ANY(%s)"  # noqa: S608 - a column of our own
    values = [value for (value,) in bare.execute(query.encode(), (chosen,)).fetchall()]
    random.shuffle(values)
    return (values * 2)[:count]


def _page(size: Size, ours: Connection, bare: Bare) -> Measurement:
    found = Measurement("register-page", "A page of 50 of an entity's items", "ms", "lower")
    codes: list[str] = [
        code
        for (code,) in bare.execute(
            "SELECT o.code FROM orders o JOIN product p ON p.code = o.product"
            " WHERE p.entity = 'UMG' ORDER BY o.code"
        ).fetchall()
    ]

    def an_order(turn: int) -> str:
        return codes[turn % len(codes)]

    for _ in range(size.rounds):
        _both(
            found,
            size.pages,
            (
                "items of an order",
                lambda n: items.listed(
                    ours, 50, None, items.Wanted(entity="UMG", order=an_order(n))
                ),
            ),
            (
                "bare indexed select of 50",
                lambda n: bare.execute(
                    "SELECT * FROM item WHERE order_code = %s ORDER BY uii LIMIT 50",
                    (an_order(n + 1),),
                ).fetchall(),
            ),
            tail=False,
        )
        _both(
            found,
            size.pages,
            ("newest marks", lambda _: marks.newest(ours, 50, entity="UMG")),
            (
                "bare newest 50",
                lambda _: bare.execute("SELECT * FROM item ORDER BY id DESC LIMIT 50").fetchall(),
            ),
            tail=False,
        )
        _both(
            found,
            size.pages,
            (
                "articles that it has or made",
                lambda _: articles.listed(ours, 50, None, articles.Wanted(entity="UMG")),
            ),
            (
                "bare articles of a producer",
                lambda _: bare.execute(
                    "SELECT * FROM article WHERE producer = 'UMG' ORDER BY code LIMIT 50"
                ).fetchall(),
            ),
            tail=False,
        )
    return found


_TREE = """
WITH RECURSIVE below AS (
    SELECT code, package, 1 AS depth FROM article WHERE package = %s
    UNION ALL SELECT a.code, a.package, b.depth + 1 FROM article a JOIN below b
    ON a.package = b.code)
SELECT * FROM below
"""


def _tree(size: Size, ours: Connection, bare: Bare) -> Measurement:
    found = Measurement("register-tree", "What lies in a pallet", "ms", "lower")
    pallets = bare.execute(
        "SELECT e.package, e.articles FROM event e WHERE e.what = 'packed' AND EXISTS (SELECT"
        " FROM article c JOIN article a ON a.package = c.code WHERE c.package = e.package"
        " AND c.kind = 'unit') ORDER BY e.articles DESC LIMIT 1"
    ).fetchall()
    code, count = pallets[0]
    for _ in range(size.rounds):
        _both(
            found,
            size.pages,
            ("tree", lambda _: articles.contents(ours, code)),
            ("bare recursive select", lambda _: bare.execute(_TREE.encode(), (code,)).fetchall()),
            tail=False,
        )
    found.notes.append(f"{count} articles, those in its crates included")
    return found


_IN_YEAR = """
SELECT count(*) FROM block b JOIN claim c ON c.space = b.space AND c.number >= lower(b.span)
    AND c.number < upper(b.span) WHERE b.issued >= %s AND b.issued < %s
"""


def _balance(size: Size, ours: Connection, bare: Bare) -> Measurement:
    found = Measurement("register-balance", "The mass balance", "ms", "lower")
    since, until = YEAR
    whole = {"entity": None, "since": since, "until": until}
    numbers = bare.execute(_IN_YEAR.encode(), YEAR).fetchall()[0][0]
    codes = [code for (code,) in bare.execute("SELECT code FROM orders ORDER BY code").fetchall()]
    for _ in range(size.rounds):
        _both(
            found,
            1,
            ("of a year by order", lambda _: balances.rows(ours, "order", **whole)),  # type: ignore[arg-type]
            (
                "bare count of its claims",
                lambda _: bare.execute(_IN_YEAR.encode(), YEAR).fetchall(),
            ),
            tail=False,
        )
        _both(
            found,
            1,
            ("of a year by station", lambda _: balances.stations(ours, **whole)),  # type: ignore[arg-type]
            ("bare count of all claims", lambda _: bare.execute("SELECT count(*) FROM claim")),
            tail=False,
        )
        _both(
            found,
            size.pages,
            (
                "of one order",
                lambda n: balances.counted(ours, "order", codes=[codes[n % len(codes)]]),
            ),
            (
                "bare count of an order's items",
                lambda n: bare.execute(
                    "SELECT count(*) FROM item WHERE order_code = %s", (codes[-n % len(codes)],)
                ).fetchall(),
            ),
            tail=False,
        )
    found.notes.append(f"{numbers:,} claims in the year")
    return found


def _by_http(register: Register, size: Size) -> list[str]:
    """For information: the same lookup by a program of its own, token and all."""
    token = asking.tokens(register.engine)["registry-officer"]
    with (
        psycopg.connect(register.url) as bare,
        _served(register),
        httpx.Client(base_url=register.client_url()) as http,
    ):
        http.headers["Authorization"] = f"Bearer {token}"
        taken = []
        for uii in _some(bare, "uii", size.lookups):
            taken.append(_timed(lambda uii=uii: http.get("/api/v1/items", params={"uii": uii})))  # type: ignore[misc]
    p50, p99 = (percentile(taken, part) for part in (0.5, 0.99))
    return [f"by HTTP, one after another: p50 {p50:.1f} ms, p99 {p99:.1f} ms"]


@contextmanager
def _served(register: Register) -> Iterator[None]:
    command = [sys.executable, "-m", "central", "serve", "--state", str(register.folder)]
    program = Child("serve", command, register.folder / "serve.log")
    program.start()
    try:
        program.wait_until(lambda: _answers(register.client_url()))
        yield
    finally:
        program.end()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v1/rights").status_code == 200
    except httpx.TransportError:
        return False


def _plans(register: Register) -> Sequence[str]:
    """How what is asked is carried out at this size."""

    async def hear() -> dict[plans.Statement, tuple[str, str]]:
        async with asking.in_process(register.config, register.engine) as ask:
            return await plans.gather(ask, register.engine, register.url)

    heard = asyncio.run(hear())
    with psycopg.connect(register.url) as connection:
        found = plans.judged(connection, heard, times=1)
    told = [f"{len(heard)} statements of all lists and lookups: {len(found)} read too much"]
    return told + [f"  {each.role} {each.query}: {each.fault}" for each in found]
