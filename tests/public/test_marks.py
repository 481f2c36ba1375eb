"""Marked items by year and kind, counted from real marks: only years that are over, and only what
betrays nobody."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, create_engine

from central.public.marks import Marks, count
from tests.support import clusters
from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
GOOD, LAST_YEAR = 12, datetime.now(UTC).year - 1
_COPY = (
    "INSERT INTO {table} SELECT (jsonb_populate_record({table}, %s::jsonb)).* FROM {table} WHERE"
)


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened() as found:
        found.standard(components=("receiver", "barrel"))
        _mark(found)
        yield found


@pytest.fixture
def engine(centre: Registry) -> Iterator[Engine]:
    made = create_engine(clusters.dialect(centre.database))
    yield made
    made.dispose()


def _mark(centre: Registry) -> None:
    """Pieces of one number each, of two components; and a number that is still open."""
    peer = Peer(centre, "gramsh.line-1")
    peer.enroll()
    plan = peer.wait_plan("G-1")
    journal = peer.journal
    journal.accept(plan)
    for number in range(1, GOOD + 2):
        first: int | None = None
        for component in ("receiver", "barrel"):
            mark = journal.mark(plan, "G-1", number, component, repeat=first)
            intent = journal.intent(mark, operator="a.hoxha", operator_auth="badge")
            first = first or intent
            if number <= GOOD:
                journal.marked(intent)
                journal.verified(intent, "good")
    peer.deliver()
    good = "SELECT count(*) FROM item WHERE state = 'good'"
    wait_for("the marks", lambda: centre.sql(good) == [(2 * GOOD,)], 30)
    peer.disconnect()


def look(engine: Engine, year: int) -> dict[tuple[str, str], int | None]:
    with engine.connect() as connection:
        found = count(connection, datetime(year, 6, 1, tzinfo=UTC))
    return {(each.row, each.column): each.count for each in found}


def another_producer(centre: Registry, number: int) -> None:
    """With the same marks, of numbers of its own."""
    for table, key, changed in (
        ("entity", "code = 'UMG'", f'{{"code": "E{number}", "ncage": null}}'),
        ("product", "code = 'M70'", f'{{"code": "P{number}", "entity": "E{number}"}}'),
        ("orders", "code = 'G-1'", f'{{"code": "O{number}", "product": "P{number}"}}'),
    ):
        centre.sql(_COPY.format(table=table) + f" {key}", changed)
    centre.sql(
        "INSERT INTO claim SELECT (jsonb_populate_record(claim, jsonb_build_object('seq',"
        " seq + %s, 'number', number + %s, 'order_code', %s::text))).* FROM claim"
        " WHERE order_code = 'G-1'",
        number * 10_000,
        number * 10_000,
        f"O{number}",
    )


def test_only_years_that_are_over_and_enough_producers(centre: Registry, engine: Engine) -> None:
    this_year = str(LAST_YEAR + 1)
    assert look(engine, LAST_YEAR + 1) == {}, "this year runs"
    alone = look(engine, LAST_YEAR + 2)
    assert alone == {(this_year, column): None for column in ("serial", "package", "all")}
    another_producer(centre, 1)
    assert look(engine, LAST_YEAR + 2) == alone
    another_producer(centre, 2)
    three = look(engine, LAST_YEAR + 2)
    # A number counts once, whatever it is made of; and no packages are told of, though there are
    # none.
    assert three == alone | {(this_year, "serial"): 3 * GOOD}


def test_it_is_counted_once_a_day(engine: Engine) -> None:
    now = datetime(LAST_YEAR + 2, 6, 1, tzinfo=UTC)
    marks = Marks(engine, lambda: now)
    first = marks.look()
    assert first
    assert marks.look() is first
    now = datetime(LAST_YEAR + 2, 6, 2, tzinfo=UTC)
    marks.look()
    while marks._counting is not None:
        marks._counting.join()
    assert marks.look() is not first


def test_while_the_register_is_away_nothing_is_told() -> None:
    nowhere = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert Marks(nowhere).look() is None
