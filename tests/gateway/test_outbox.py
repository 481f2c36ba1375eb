"""The outbox: what is sent next, and every receipt that may come."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.batch import MAX_BYTES, MAX_RECORDS, BatchHeader, decode_batch, heads
from gateway.contract.plan import encode_plan
from gateway.contract.receipt import Receipt, Refusal
from gateway.contract.record import Opened
from gateway.contract.signed import SigningKey
from gateway.journal import Cursor, Journal
from gateway.logbook import Draft
from gateway.outbox import Ignored, Latch, Less, Moved, next_batch, take_receipt
from gateway.store import open_journal
from tests.gateway.desk import OPENED, Site, new_journal, plan
from tests.gateway.records import GATEWAY, NOON, common
from tests.support.examples import examples

KEY = SigningKey.from_bytes(bytes(range(32)))


def receipt(journal: Journal, number: int, **fields: object) -> Receipt:
    """The receipt for record `number`, with other fields in place of what they were."""
    head = journal.head_at(number) or bytes(32)
    return Receipt.model_validate(
        {
            "gateway": GATEWAY,
            "epoch": 1,
            "boot": "1-00000000",
            "at": NOON,
            "incarnation": 1,
            "committed": number,
            "head": head.hex(),
            **fields,
        }
    )


def append(site: Site, count: int, size: int = 1) -> None:
    draft = Draft(Opened, {"reason": "x", "devices": {"d": "y" * size}})
    site.logbook.append(*[draft] * count)


# -- what goes out


def test_a_batch_follows_the_cursor_and_its_bytes_are_the_journals(site: Site) -> None:
    append(site, 4)
    take_receipt(site.journal, receipt(site.journal, 2))
    payload = next_batch(site.journal, "7-0123456789abcdef", KEY)
    assert payload is not None
    batch = decode_batch(payload)
    batch.signed.verify(lambda name: KEY.public if name == KEY.id else None)
    batch.check()
    assert (batch.header.first, batch.header.last, batch.header.boot) == (
        3,
        5,
        "7-0123456789abcdef",
    )
    assert list(batch.records) == [entry.body for entry in site.journal.entries(3)]
    assert batch.header.head == site.journal.head.hex()


def test_sent_again_it_is_the_same_and_at_the_end_there_is_none(site: Site) -> None:
    append(site, 2)
    assert next_batch(site.journal, "b", KEY) == next_batch(site.journal, "b", KEY)
    take_receipt(site.journal, receipt(site.journal, 3))
    assert next_batch(site.journal, "b", KEY) is None


@pytest.mark.parametrize(("size", "expected"), [(1, MAX_RECORDS), (3000, None), (MAX_BYTES, 1)])
def test_a_batch_ends_at_500_records_or_256_kib(
    site: Site, size: int, expected: int | None
) -> None:
    take_receipt(site.journal, receipt(site.journal, 1))
    append(site, MAX_RECORDS + 1 if size == 1 else 100 if size < MAX_BYTES else 2, size)
    payload = next_batch(site.journal, "b", KEY)
    assert payload is not None
    records = decode_batch(payload).records
    if expected is not None:
        assert len(records) == expected
    else:
        following = len(records[0]) + 1
        assert sum(len(record) + 1 for record in records) <= MAX_BYTES
        assert sum(len(record) + 1 for record in records) + following > MAX_BYTES


def accept(site: Site, version: int, **order: Any) -> bytes:
    made = plan(version=version, **order)
    payload = encode_plan(made, KEY)
    site.logbook.accept(made, payload)
    return payload


def header(site: Site) -> BatchHeader:
    payload = next_batch(site.journal, "b", KEY)
    assert payload is not None
    return decode_batch(payload).header


def test_a_batch_brings_the_plans_of_former_incarnations_that_its_records_accept(
    site: Site,
) -> None:
    first, second = accept(site, 1), accept(site, 2)
    assert (header(site).incarnation, header(site).plans) == (0, None)  # no receipt yet
    take_receipt(site.journal, receipt(site.journal, 1))
    assert (header(site).incarnation, header(site).plans) == (1, None)
    take_receipt(site.journal, receipt(site.journal, 1, incarnation=2))
    assert header(site).incarnation == 2
    assert header(site).plans == (first.decode(), second.decode())
    take_receipt(site.journal, receipt(site.journal, 2, incarnation=2))
    assert header(site).plans == (second.decode(),)
    append(site, 1)
    take_receipt(site.journal, receipt(site.journal, 3, incarnation=2))
    assert header(site).plans is None  # the register holds the record that accepted it


def test_the_plans_of_a_batch_count_towards_its_size(site: Site) -> None:
    large = {"expect": ["x" * 100_000]}
    payloads = [accept(site, version, **large) for version in (1, 2, 3)]
    append(site, 1)
    take_receipt(site.journal, receipt(site.journal, 1, incarnation=2))
    assert (header(site).last, header(site).plans) == (
        3,
        tuple(payload.decode() for payload in payloads[:2]),
    )
    take_receipt(site.journal, receipt(site.journal, 3, incarnation=2))
    assert (header(site).last, header(site).plans) == (5, (payloads[2].decode(),))


@pytest.mark.parametrize("damaged", [b"\xff", b"{}", b"", b'{"v":1}\nk AAAA'])
def test_a_damaged_plan_is_not_brought_and_holds_up_nothing(site: Site, damaged: bytes) -> None:
    site.logbook.accept(plan(), damaged)
    take_receipt(site.journal, receipt(site.journal, 1, incarnation=2))
    assert (header(site).last, header(site).plans) == (2, None)


# -- what comes back


def test_every_receipt(site: Site) -> None:
    append(site, 9)
    journal = site.journal
    at_4 = Cursor(1, 4, journal.head_at(4) or b"")
    refused = (Refusal(seq=3, code="not-licensed", detail=""),)
    assert take_receipt(journal, receipt(journal, 4, refused=refused, refused_more=2)) == Moved(
        4, refused, 2
    )
    assert journal.cursor() == at_4
    assert isinstance(take_receipt(journal, receipt(journal, 4)), Moved)

    nothing: list[dict[str, object]] = [
        {"gateway": "polican.line-1"},
        {"epoch": 2},
        {"epoch": 2, "latch": "forked"},
    ]
    less: list[dict[str, object]] = [
        {"incarnation": 0},
        {"committed": 3, "head": (journal.head_at(3) or b"").hex()},
    ]
    for expected, cases in ((Ignored, nothing), (Less, less)):
        for fields in cases:
            assert isinstance(take_receipt(journal, receipt(journal, 6, **fields)), expected)
            assert journal.cursor() == at_4

    latching: list[tuple[dict[str, object], str]] = [
        ({"committed": 11}, "rolled-back"),
        ({"head": "00" * 32}, "rolled-back"),
        ({"committed": 4, "head": "00" * 32}, "rolled-back"),
        ({"incarnation": 2, "committed": 2, "head": "00" * 32}, "rolled-back"),
        ({"latch": "forked"}, "forked"),
        ({"latch": "two-of-me"}, "two-of-me"),
        ({"latch": "two-of-me", "committed": 2}, "two-of-me"),
        ({"latch": "closed"}, "rolled-back"),
        ({"latch": "something newer"}, "rolled-back"),
    ]
    for fields, latch in latching:
        found = take_receipt(journal, receipt(journal, 6, **fields))
        assert isinstance(found, Latch), fields
        assert found.latch == latch
        assert journal.cursor() == at_4

    assert isinstance(take_receipt(journal, receipt(journal, 2, incarnation=2)), Moved)
    assert journal.cursor() == Cursor(2, 2, journal.head_at(2) or b"")
    assert isinstance(take_receipt(journal, receipt(journal, 9)), Less)
    assert isinstance(take_receipt(journal, receipt(journal, 0, incarnation=3)), Moved)
    assert journal.cursor() == Cursor(3, 0, journal.first_head)


def test_the_receipt_that_moved_the_cursor_is_kept_as_it_was_signed(site: Site) -> None:
    append(site, 4)
    assert site.journal.receipt() is None
    for number, payload in ((2, "two"), (1, "a late one"), (4, "four"), (4, "four again")):
        take_receipt(site.journal, receipt(site.journal, number), payload)
        assert site.journal.receipt() == ("two" if number < 4 else "four")
    site.journal.move_cursor(site.journal.cursor())  # as an older version did, which kept none
    take_receipt(site.journal, receipt(site.journal, 4), "four again")
    assert site.journal.receipt() == "four again"


# -- a register that commits, forgets and repeats itself

acts = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 4)),
        st.tuples(st.just("commit"), st.integers(1, 5)),
        st.tuples(st.just("restore"), st.integers(0, 6)),
        st.tuples(st.just("deliver"), st.integers(0, 30)),
    ),
    max_size=30,
)


@settings(max_examples=examples(0.4))
@given(acts)
def test_the_cursor_never_passes_what_the_register_committed(acts: list[tuple[str, int]]) -> None:
    """Receipts come late, twice and out of order; restores of the register lower it."""
    with TemporaryDirectory() as folder:
        journal = open_journal(new_journal(Path(folder)), writable=True)
        incarnation, committed = 1, 0
        said: list[Receipt] = [receipt(journal, 0)]
        newest = said[0]
        for act, number in acts:
            if act == "write":
                journal.append(*[_record] * number)
            elif act == "commit":
                committed = min(journal.end, committed + number)
                said.append(receipt(journal, committed, incarnation=incarnation))
            elif act == "restore":
                incarnation, committed = incarnation + 1, max(0, committed - number)
                said.append(receipt(journal, committed, incarnation=incarnation))
            else:
                told = said[number % len(said)]
                newest = max(newest, told, key=lambda each: (each.incarnation, each.committed))
                assert not isinstance(take_receipt(journal, told), Latch)
                cursor = journal.cursor()
                assert (cursor.incarnation, cursor.committed) in {
                    (newest.incarnation, newest.committed),
                    (0, 0),
                }
                if cursor.incarnation == incarnation:
                    assert cursor.committed <= committed
                payload = next_batch(journal, "b", KEY)
                if payload is not None:
                    batch = decode_batch(payload)
                    assert batch.header.first == cursor.committed + 1
                    assert list(heads(cursor.head, batch.records))[-1].hex() == batch.header.head
        journal.close()


def _record(seq: int) -> Opened:
    return Opened(**common(seq, None), reason="x")


def test_a_receipt_is_read_by_its_own_time_and_not_by_ours(site: Site) -> None:
    late = receipt(site.journal, 1, at=NOON - timedelta(days=400))
    assert take_receipt(site.journal, late) == Moved(1, (), 0)
    site.logbook.append(OPENED)
