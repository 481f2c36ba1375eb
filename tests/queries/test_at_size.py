"""Nothing that is asked of the register reads a table that grows from one end to the other."""

from collections.abc import Iterator

import psycopg
import pytest

from central import config as configuration
from central import db
from tests.support import asking, plans
from tests.support.central import Centre
from tests.support.plans import Statement

pytestmark = [pytest.mark.slow, pytest.mark.long]

MORE = """
INSERT INTO evidence (gateway, received, reason, bytes, sha256)
    SELECT 'gramsh.line-' || (1 + n % 4), now(), 'unreadable', 'x', sha256(n::text::bytea)
    FROM generate_series(1, 2000) n;
INSERT INTO alert (number, rule, severity, about, subject, cause, facts, state, reason, opened,
        raised, escalations, version)
    SELECT 'overdue-' || n, 'overdue', 'warning', 'consignment', 'CN-' || n, '',
        jsonb_build_object(
            'direction', 'domestic', 'state', 'dispatched', 'planned_arrival', now()),
        CASE n % 50 WHEN 0 THEN 'raised' ELSE 'resolved' END, '', n, now(), 0, n
    FROM generate_series(1, 3000) n;
INSERT INTO delivery (alert, occasion, channel, target, created, due)
    SELECT number, 'raised', 'mail', 'a@b', now(), now() FROM alert;
INSERT INTO delivery_attempt SELECT id, 1, now(), true, 'ok' FROM delivery;
INSERT INTO import_refusal SELECT 'IMP-0001', n, 1, 'Seria', 'missing', ''
    FROM generate_series(1, 2000) n;
"""
"""What a generated register has none of."""


@pytest.fixture(scope="module")
def centre() -> Iterator[Centre]:
    with Centre.started(bare=True) as centre:
        centre.run("migrate")
        centre.run("generate", "--items", "40000")
        centre.sql(MORE)
        yield centre


async def test_whatever_is_asked_is_found_by_an_index(centre: Centre) -> None:
    config = configuration.load(centre.folder / "central.toml")
    with db.disposing(db.make_engine(config)) as engine:
        async with asking.in_process(config, engine) as ask:
            heard = await plans.gather(ask, engine, centre.database)
    assert len(heard) > 300
    with psycopg.connect(centre.database) as connection:
        plans.pretend_growth(connection)
        found = plans.judged(connection, heard)
    assert not found, "\n".join(map(str, found))


def test_a_walk_through_a_table_is_noticed(centre: Centre) -> None:
    """What the first test would say if an index were missing."""
    with psycopg.connect(centre.database) as connection:
        plans.pretend_growth(connection)
        for text in (
            "SELECT * FROM item WHERE basis = %(value)s",
            "SELECT * FROM item WHERE basis = %(value)s ORDER BY id DESC LIMIT 10",
        ):
            found = plans.faults(connection, Statement(text, {"value": "keyed"}))
            assert [each.table for each in found] == ["item"]
        kept = Statement("SELECT * FROM item WHERE uii = %(value)s", {"value": "D"})
        assert plans.faults(connection, kept) == []
