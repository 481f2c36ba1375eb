"""A register with data in it is brought to the newest schema, while others use its tables."""

import json
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from central import config as configuration
from central import db
from central.migrations.run import upgrade
from tests.support.central import Centre

pytestmark = pytest.mark.slow

FORMER = """
INSERT INTO entity (code, name, ncage) VALUES ('UMG', 'Uzina Mekanike', 'A7G1H');
INSERT INTO licence (number, entity, state, valid_from, valid_until, reason)
    VALUES ('L-1', 'UMG', 'suspended', '2026-01-01', '2030-01-01', 'inspection');
INSERT INTO number_space VALUES ('UMG.M70', 41);
INSERT INTO product (code, entity, model, kind, components, template, space)
    VALUES ('M70', 'UMG', 'M70', 'serial', '[{"name": "receiver", "symbol": "", "job": null}]',
        '{"content": "{serial}", "lines": [], "serial_prefix": "G", "serial_digits": 6}',
        'UMG.M70');
INSERT INTO gateway VALUES ('gramsh.line-1'), ('gramsh.line-2');
INSERT INTO orders (code, product, licence, kind, quantity, job, template, components, verify,
        expect, state)
    SELECT 'G-1', 'M70', licence.id, 'serial', 40, 'J', product.template, product.components,
        '{"mode": "each", "every": 1, "reason": ""}', '["4006381333931"]', 'held'
    FROM licence, product;
INSERT INTO order_gateway VALUES ('G-1', 'gramsh.line-1', '{receiver}', false),
    ('G-1', 'gramsh.line-2', NULL, true);
INSERT INTO person (code, gateway, badge, pin, roles)
    VALUES ('p-1', 'gramsh.line-1', 'ab', 'cd', '{operator,shift-lead}');
INSERT INTO invitation (gateway, code_hash, reason, expires, used)
    VALUES ('gramsh.line-1', '\\x01', 'first', '2026-01-02', '2026-01-01'),
        ('gramsh.line-1', '\\x02', 'again', '2026-01-02', NULL);
INSERT INTO stream (gateway, epoch, head, previous_head, state, reason, ended)
    SELECT 'gramsh.line-1', 1, sha256(convert_to(E'gjurma/v1/epoch\\n' || 'gramsh.line-1' || E'\\n'
        || '1' || E'\\n', 'UTF8') || zeros), zeros, 'closed', 'new', '2026-02-01'
    FROM (SELECT decode(repeat('00', 32), 'hex') AS zeros) z;
INSERT INTO stream_key SELECT id, 'k' || left(encode(sha256(head), 'hex'), 12), head, 1, NULL
    FROM stream;
INSERT INTO act (subject, name, act, reason)
    VALUES ('licence', 'L-1', 'issued', ''), ('licence', 'L-1', 'suspended', 'inspection');
"""


@pytest.fixture
def former() -> Iterator[Centre]:
    """A database as it was before acts said everything."""
    with Centre.started(bare=True) as centre:
        engine = db.owner_engine(configuration.load(centre.folder / "central.toml"))
        upgrade(engine, "0003")
        engine.dispose()
        centre.sql(FORMER)
        yield centre


def test_what_it_holds_is_carried_over(former: Centre) -> None:
    orders = "SELECT code, quantity, expect FROM orders"
    before = former.sql(orders)
    former.run("migrate")
    assert former.sql(orders) == before
    assert former.sql("SELECT state FROM orders") == [("paused",)], "what was called held"
    assert former.sql("SELECT licence FROM orders") == [("L-1",)]
    assert former.sql("SELECT count(*) FROM act WHERE what = 'suspended'") == [(1,)]
    told = json.loads(former.run("rebuild", "--json"))
    assert told["identical"], told
    former.start("serve")
    licence = former.get("/api/v1/licences/L-1")
    assert (licence["state"], licence["reason"]) == ("suspended", "inspection")
    former.post("/api/v1/licences/L-1/reinstate", {"reason": "mended"})
    former.post("/api/v1/orders/G-1/resume", {"reason": "mended"})
    told = json.loads(former.run("rebuild", "--json"))
    assert told["identical"], told


def test_it_waits_for_a_table_in_use_and_lets_others_through(former: Centre) -> None:
    """Somebody reads `orders` within a long transaction; others read on beside the upgrade."""
    with psycopg.connect(former.database) as busy:
        busy.execute("SELECT count(*) FROM orders")
        upgrading = threading.Thread(target=former.run, args=("migrate",))
        upgrading.start()
        slowest = 0.0
        until = time.monotonic() + 6
        while time.monotonic() < until:
            began = time.monotonic()
            former.sql("SELECT count(*) FROM orders")
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.05)
        assert upgrading.is_alive(), "it goes on trying"
        assert slowest < 4, "nobody waits for longer than the lock's timeout"
    upgrading.join(60)
    assert former.sql("SELECT count(*) FROM act WHERE what = 'carried over'") != [(0,)]
