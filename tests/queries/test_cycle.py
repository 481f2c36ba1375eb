"""What the pages are told of samples, and of records that wait."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, create_engine, text

from central.queries import items, marks, refused
from central.queries.models import Item
from gateway.contract.plan import encode_plan
from gateway.contract.signed import SigningKey
from tests.central.postgres import Store, database
from tests.central.scene import GATEWAY, OTHER, Scene
from tests.central.stories import Story

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with database() as made:
        yield made


def _items(connection: Connection, serial: str) -> list[Item]:
    return items.listed(connection, 9, None, items.Wanted(serial=serial)).items


def test_a_group_and_a_read_that_waits(url: str) -> None:
    story = Story("sample")
    story.tell([("intent", 0, 2, "station-1", False), ("marked", 0, "done")])
    story.tell([("intent", 1, 1, "station-1", False)])
    story.tell([("verified", 0, 2, "good", "device", "station-1")])
    with Store(url, SigningKey.new()) as store:
        for journal in story.lines:
            store.enrol(journal.gateway, journal.key.public)
        for payload in story.payloads():
            store.put_plan(payload)
        line = story.lines[0]
        store.records(GATEWAY, line.batch(1, line.seq), NOW)
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as connection:
            (item,) = _items(connection, "G000001")
            (component,) = item.components
            assert (component.state, component.readback) == ("marked", "sample")
            assert component.sample is not None
            assert (component.sample.size, component.sample.state) == (2, "open")
            assert [mark.sample for mark in marks.newest(connection, 9)] == [component.sample] * 2
            (waiting,) = refused.waiting(connection, 9).items
            assert (waiting.record.gateway, waiting.record.seq) == (GATEWAY, line.seq)
            assert (waiting.of.gateway, waiting.position, waiting.heard) == (OTHER, 1, False)
            (refusal,) = refused.refusals(connection, 9).items
            assert (refusal.code, refusal.record) == ("out-of-place", waiting.record)
        other = story.lines[1]
        store.records(OTHER, other.batch(1, other.seq), NOW)
        with engine.connect() as connection:
            assert refused.waiting(connection, 9).items == []
            assert refused.refusals(connection, 9).items == []
            life = items.life(connection, _items(connection, "G000101")[0].uii).life
            assert [each.record.gateway for each in life] == [GATEWAY, OTHER]
            assert life[0].resolved == NOW
        engine.dispose()


def test_an_item_s_components_stand_in_the_order_in_which_they_are_marked() -> None:
    """Though the register learned of all of them at once, and keeps them by their names."""
    scene = Scene(components=("receiver", "barrel", "slide"))
    opened = scene.good(1, "receiver")
    for component in ("barrel", "slide"):
        scene.good(1, component, repeat=opened)
    journal, key = scene.journal, SigningKey.new()
    with database() as url, Store(url, key) as store:
        store.enrol(GATEWAY, journal.key.public)
        store.put_plan(encode_plan(scene.plan, key))
        store.records(GATEWAY, journal.batch(1, journal.seq), NOW)
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as connection:
            (item,) = _items(connection, "G000001")
            kept = connection.scalars(text("SELECT component FROM item ORDER BY id")).all()
        engine.dispose()
    assert kept == ["barrel", "receiver", "slide"]
    assert [each.component for each in item.components] == ["receiver", "barrel", "slide"]
