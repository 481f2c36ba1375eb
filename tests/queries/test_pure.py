"""What needs no database: terms, links, records as people write them, the proof of a batch."""

from datetime import UTC, datetime, timedelta

import pytest

from central.queries.gateways import link_of
from central.queries.items import record_key
from central.queries.models import RecordKey
from central.queries.records import StoredBatch, is_chained, is_signed
from central.queries.terms import term_of
from central.screens.words import item_path, moment, visible
from gateway.contract.batch import decode_batch
from tests.contract.wire import BATCHES, SignedVector

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("states", "term"),
    [
        (("good",), "good"),
        (("good", "good"), "good"),
        (("marked", "marked"), "open"),
        (("good", "open"), "open"),
        (("voided",), "voided"),
        (("voided", "marked"), "open"),
        (("unknown", "marked"), "unknown"),
        (("unknown", "rejected"), "rejected"),
        (("rejected", "scrapped"), "scrapped"),
    ],
)
def test_the_worst_component_decides(states: tuple[str, ...], term: str) -> None:
    assert term_of(states) == term


@pytest.mark.parametrize(
    ("online", "age_s", "link"),
    [
        (None, None, "never"),
        (False, 1, "offline"),
        (True, 149, "online"),
        (True, 151, "silent"),
        (True, None, "silent"),
    ],
)
def test_a_gateway_that_says_nothing_for_long_is_not_called_online(
    online: bool | None, age_s: int | None, link: str
) -> None:
    seen = None if age_s is None else NOW - timedelta(seconds=age_s)
    assert link_of(online, seen, NOW) == link


def test_a_record_as_people_write_it() -> None:
    assert record_key("gramsh.line-2/3/1207") == RecordKey(
        gateway="gramsh.line-2", epoch=3, seq=1207
    )
    for text in (
        "gramsh.line-2/3",
        "gramsh.line-2/0/1",
        "g/1/-1",
        "g/1/²",
        f"g/1/{2**63}",
        "A/B/C",
    ):
        assert record_key(text) is None


def test_what_a_page_shows() -> None:
    assert moment(datetime(2026, 11, 24, 9, 30, 5, tzinfo=UTC)) == "24.11.2026 10:30:05"
    assert moment(datetime(2026, 7, 1, 22, 0, 0, tzinfo=UTC)) == "02.07.2026 00:00:00"
    assert moment(None) == "–"
    assert visible("[)>\x1e06\x1d18SA\x1e\x04") == "[)>‹RS›06‹GS›18SA‹RS›‹EOT›"
    assert item_path("D0CVA51234-56/7869#50") == "/items/D0CVA51234-56/7869%2350"


def stored(vector: SignedVector) -> tuple[StoredBatch, bytes]:
    """A golden batch as the register would hold it, and the head before it."""
    batch = decode_batch(vector.payload)
    header = batch.header
    row = StoredBatch(
        id=1,
        stream=1,
        gateway=header.gateway,
        epoch=header.epoch,
        first=header.first,
        last=header.last,
        head=bytes.fromhex(header.head),
        header=batch.signed.line,
        key_id=batch.signed.key_id,
        sig=batch.signed.signature,
        lines=batch.records,
        received=NOW,
    )
    return row, bytes.fromhex(header.prev)


@pytest.mark.parametrize("vector", BATCHES)
def test_the_proof_of_a_golden_batch_holds(vector: SignedVector) -> None:
    row, before = stored(vector)
    assert is_signed(row, vector.public)
    assert is_chained(row, before)


@pytest.mark.parametrize("vector", BATCHES)
def test_the_proof_fails_for_whatever_was_changed(vector: SignedVector) -> None:
    row, before = stored(vector)
    other = bytes(32)
    assert not is_signed(row, None)
    assert not is_signed(row, other)
    assert not is_chained(row, None)
    assert not is_chained(row, other)
    fields = row.__dict__
    for change in (
        {"header": row.header.replace(b'"v":1', b'"v": 1')},
        {"head": other},
        {"last": row.last + 1},
        {"gateway": "other.line-1"},
        {"sig": bytes(64)},
    ):
        assert not is_signed(StoredBatch(**{**fields, **change}), vector.public), change
    line = row.lines[0]
    for lines in (
        (line[:-2] + bytes([line[-2] ^ 1]) + line[-1:], *row.lines[1:]),
        row.lines[1:],
        (*row.lines, line),
    ):
        assert not is_chained(StoredBatch(**{**fields, "lines": lines}), before)
