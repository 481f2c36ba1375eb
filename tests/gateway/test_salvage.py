"""Salvage: a damaged journal gives up every undelivered record that its chain still proves."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.contract.batch import next_head
from gateway.contract.errors import JournalCorrupt, JournalError
from gateway.contract.plan import encode_plan
from gateway.contract.record import Accepted, Intent, Record
from gateway.contract.salvage import decode_salvage
from gateway.contract.signed import SigningKey
from gateway.guard import Guard, GuardFile, Mark, kept_mark
from gateway.identity import Identity
from gateway.inspection import verify
from gateway.journal import Cursor, Entry, Journal
from gateway.pages import FRAME_HEADER, LOG_HEADER, log_of
from gateway.salvage import Place, Remains, prove, salvage
from gateway.store import open_journal
from tests.gateway.desk import new_journal, plan
from tests.gateway.records import GATEWAY, common, intent, intent_of, mark, marked

PAGE = 4096
DELIVERED = 6


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """30 records, of which the register has confirmed 6; the guard knows the last intent."""
    path = new_journal(tmp_path)
    made = open_journal(path, writable=True)
    made.set_meta("guard", str(tmp_path / "guard"))
    for number in range(15):
        made.append(lambda seq, number=number: intent(seq, number))  # type: ignore[misc]
        made.append(lambda seq: marked(seq, seq - 1, "done"))
        if made.end == DELIVERED:
            made.move_cursor(Cursor(1790000000, made.end, made.head))
    Identity(SigningKey.new(), ()).save(path)
    guard = Guard(GuardFile(tmp_path / "guard"))
    head = made.head_at(29)
    assert head is not None
    guard.create(Mark(GATEWAY, 1, 29, head))
    yield made
    made.close()


def crashed(journal: Journal, folder: Path) -> Path:
    """The files as they lie there when the process ends at once, its log included."""
    source = Path(journal.name)
    there = folder / "crashed"
    there.mkdir()
    for name in (
        source.name,
        log_of(source).name,
        f"{source.stem}.key",
        f"{source.stem}.keys.json",
    ):
        shutil.copy(source.with_name(name), there / name)
    assert log_of(there / source.name).stat().st_size > PAGE
    return there / source.name


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x20
    path.write_bytes(content)


def brought(path: Path, target: Path) -> tuple[list[bytes], list[tuple[int, int]]]:
    """The records of a salvage file and what it names as missing; its chain and signature hold."""
    salvage(path, target)
    found = decode_salvage(target.read_bytes())
    key = Identity.load(path).key
    found.signed.verify({key.id: key.public}.get)
    for _, batch in found.batches:
        batch.signed.verify({key.id: key.public}.get)
        batch.check()
    records = [record for _, batch in found.batches for record in batch.records]
    return records, [(span.first, span.last) for span in found.manifest.missing]


def bodies(journal: Journal) -> list[bytes]:
    return [entry.body for entry in journal.entries(DELIVERED + 1)]


def test_a_byte_of_a_delivered_record_costs_no_undelivered_one(
    journal: Journal, tmp_path: Path
) -> None:
    wanted, (second,) = bodies(journal), journal.entries(2, 2)
    path = Path(journal.name)
    journal.close()  # all is in the file now, and there is no log
    content = path.read_bytes()
    assert content.count(second.body) == 1
    flip(path, content.index(second.body) + 30)
    damaged = path.read_bytes()
    with pytest.raises(JournalCorrupt, match="record 2"):
        open_journal(path, writable=False).verify()
    assert brought(path, tmp_path / "salvage") == (wanted, [])
    assert path.read_bytes() == damaged


def test_a_byte_anywhere_in_the_log_costs_no_record_but_its_own(
    journal: Journal, tmp_path: Path
) -> None:
    wanted = bodies(journal)
    whole = crashed(journal, tmp_path)
    log = log_of(whole)
    content = log.read_bytes()
    frames = (len(content) - LOG_HEADER) // (FRAME_HEADER + PAGE)
    for frame in range(frames):
        # Into the page's last row, which is its newest record or a part of the description.
        start = LOG_HEADER + frame * (FRAME_HEADER + PAGE)
        log.write_bytes(content)
        flip(log, start + FRAME_HEADER + PAGE - 60)
        records, missing = brought(whole, tmp_path / f"salvage-{frame}")
        lost = sum(last - first + 1 for first, last in missing)
        assert [record for record in wanted if record in records] == records
        assert len(records) + lost == len(wanted)
        assert lost <= 1, frame


def test_a_byte_anywhere_in_the_file_costs_no_record_but_its_own(
    journal: Journal, tmp_path: Path
) -> None:
    wanted = bodies(journal)
    path = Path(journal.name)
    journal.close()
    content = path.read_bytes()
    for at in range(0, len(content), 419):
        path.write_bytes(content)
        flip(path, at)
        target = tmp_path / f"salvage-{at}"
        salvage(path, target, after=DELIVERED)
        found = decode_salvage(target.read_bytes())
        records = [record for _, batch in found.batches for record in batch.records]
        assert [record for record in wanted if record in records] == records, at
        assert len(records) >= len(wanted) - 1, at
        lost = sum(span.last - span.first + 1 for span in found.manifest.missing)
        assert len(records) + lost == len(wanted), at


def test_a_log_that_is_cut_gives_what_is_before_the_cut_and_names_the_rest(
    journal: Journal, tmp_path: Path
) -> None:
    wanted = bodies(journal)
    whole = crashed(journal, tmp_path)
    content = log_of(whole).read_bytes()
    log_of(whole).write_bytes(content[: len(content) * 2 // 3])
    records, missing = brought(whole, tmp_path / "salvage")
    assert records == wanted[: len(records)]
    assert missing == [(DELIVERED + len(records) + 1, 29)]  # as far as the guard knows


def test_a_journal_whose_log_would_be_dropped_is_not_opened_for_writing(
    journal: Journal, tmp_path: Path
) -> None:
    wanted = bodies(journal)
    whole = crashed(journal, tmp_path)
    content = log_of(whole).read_bytes()
    flip(log_of(whole), LOG_HEADER + 12 * (FRAME_HEADER + PAGE) + 700)
    damaged = log_of(whole).read_bytes()
    assert damaged != content
    with pytest.raises(JournalCorrupt, match="write-ahead log is damaged after record"):
        open_journal(whole, writable=True)
    report = verify(whole)
    assert any("write-ahead log is damaged" in fault for fault in report.faults)
    assert log_of(whole).read_bytes() == damaged
    records, missing = brought(whole, tmp_path / "salvage")
    assert (records, missing) == (wanted, [])


def test_a_last_transaction_that_power_cut_off_is_dropped_unless_the_guard_knows_it(
    journal: Journal, tmp_path: Path
) -> None:
    journal.append(lambda seq: intent(seq, 40))
    whole = crashed(journal, tmp_path)
    flip(log_of(whole), log_of(whole).stat().st_size - 10)
    again = tmp_path / "again"
    shutil.copytree(whole.parent, again)
    with pytest.raises(JournalCorrupt, match="after record 30"):
        open_journal(whole, writable=True, guarded=31)
    opened = open_journal(again / whole.name, writable=True, guarded=29)
    assert opened.end == 30
    opened.close()


def test_a_lost_key_is_replaced_by_that_of_a_later_epoch(journal: Journal, tmp_path: Path) -> None:
    path = Path(journal.name)
    journal.close()
    path.with_suffix(".key").write_text("torn")
    with pytest.raises(JournalError, match="enrol the gateway again first"):
        salvage(path, tmp_path / "salvage")
    second = new_journal(tmp_path, 2)
    identity = Identity(SigningKey.new(), ())
    identity.save(second)
    done = salvage(path, tmp_path / "salvage")
    assert (done.records, done.signed_by) == (24, 2)
    found = decode_salvage((tmp_path / "salvage").read_bytes())
    found.signed.verify({identity.key.id: identity.key.public}.get)


def test_records_that_a_restored_register_forgot_are_asked_for(
    journal: Journal, tmp_path: Path
) -> None:
    for after in (2, 0):
        wanted = [entry.body for entry in journal.entries(after + 1)]
        target = tmp_path / f"salvage-{after}"
        salvage(Path(journal.name), target, after=after)
        found = decode_salvage(target.read_bytes())
        assert found.manifest.after == after
        assert [record for _, batch in found.batches for record in batch.records] == wanted


def test_the_batches_bring_the_plans_that_their_records_accept(tmp_path: Path) -> None:
    path = new_journal(tmp_path)
    made = open_journal(path, writable=True)
    key = SigningKey.new()
    payloads = []
    for version in (1, 2):
        asked = plan(version=version, expect=["x" * 9000])  # on several pages
        payloads.append(encode_plan(asked, key))
        fields = {"incarnation": 1, "version": version, "lease_until": asked.lease_until}
        made.accept_plan(
            1,
            version,
            payloads[-1],
            lambda seq, fields=fields: Accepted.model_validate(common(seq) | fields),  # type: ignore[misc]
        )
    Identity(key, ()).save(path)
    salvage(crashed(made, tmp_path), tmp_path / "out")
    made.close()
    (batch,) = [each for _, each in decode_salvage((tmp_path / "out").read_bytes()).batches]
    assert batch.header.plans == tuple(payload.decode() for payload in payloads)


def test_an_existing_file_stays(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "salvage").write_text("another")
    with pytest.raises(JournalError, match="never overwrites"):
        salvage(Path(journal.name), tmp_path / "salvage")
    assert (tmp_path / "salvage").read_text() == "another"


def test_what_the_guard_knew_is_found_beside_the_journal_once_a_new_epoch_has_it(
    journal: Journal, tmp_path: Path
) -> None:
    path = Path(journal.name)
    (damaged,) = journal.entries(10, 10)
    wanted = [entry.body for entry in journal.entries(DELIVERED + 1) if entry.seq != 10]
    mark = Guard(GuardFile(tmp_path / "guard")).read()
    journal.close()
    flip(path, path.read_bytes().index(damaged.body) + 30)
    Guard(GuardFile(kept_mark(path))).create(mark)
    Guard(GuardFile(tmp_path / "guard")).create(Mark(GATEWAY, 2, 1, bytes(32)))
    assert brought(path, tmp_path / "salvage") == (wanted, [(10, 10)])


# --- the proof alone


def chain(count: int, head: bytes = bytes(32)) -> list[Entry]:
    found = []
    for seq in range(1, count + 1):
        body = b"record %d" % seq
        head = next_head(head, body)
        found.append(Entry(seq, body, head))
    return found


def remains(entries: list[Entry]) -> Remains:
    found = Remains()
    for entry in entries:
        found.add(entry.seq, entry.body, entry.head)
    return found


START = Place(0, bytes(32))


def test_a_record_that_is_damaged_is_a_gap_between_two_proofs() -> None:
    entries = chain(9)
    found = remains(entries)
    found.bodies[4] = [b"damaged"]
    runs = prove(found, [START, Place(8, entries[7].head)], 0)
    assert [(run.first, run.last, run.prev) for run in runs] == [
        (1, 3, bytes(32)),
        (5, 9, entries[3].head),
    ]


def test_without_the_guard_nothing_after_the_gap_is_proved() -> None:
    found = remains(chain(9))
    found.bodies[4] = [b"damaged"]
    assert [(run.first, run.last) for run in prove(found, [START], 0)] == [(1, 3)]


def test_a_damaged_head_alone_costs_no_record() -> None:
    found = remains(chain(9))
    found.heads[4] = [bytes(32)]
    assert [(run.first, run.last) for run in prove(found, [START], 0)] == [(1, 9)]


def test_records_between_two_gaps_are_not_believed() -> None:
    entries = chain(9)
    found = remains(entries)
    found.bodies[3] = found.bodies[6] = [b"damaged"]
    runs = prove(found, [START, Place(9, entries[8].head)], 0)
    assert [(run.first, run.last) for run in runs] == [(1, 2), (7, 9)]


def test_a_forged_record_that_only_hashes_to_its_own_head_is_not_taken_for_the_guards() -> None:
    entries = chain(4)
    forged = b"another"
    found = remains([*entries[:2], Entry(3, forged, next_head(entries[1].head, forged))])
    found.add(4, entries[3].body, entries[3].head)
    found.add(3, entries[2].body, entries[2].head)
    with pytest.raises(JournalError, match="of two journals"):
        prove(found, [START, Place(4, entries[3].head)], 0)


def test_long_records_are_read_from_their_further_pages(tmp_path: Path) -> None:
    path = new_journal(tmp_path)
    made = open_journal(path, writable=True)

    def long(seq: int) -> Record:
        return intent_of(seq, *(mark(number, number) for number in range(1, 51)))

    for _ in range(6):
        made.append(long)
    assert isinstance(next(made.records()), Intent)
    wanted = [entry.body for entry in made.entries()]
    assert len(wanted[0]) > 3 * PAGE
    Identity(SigningKey.new(), ()).save(path)
    target = tmp_path / "salvage"
    salvage(path, target)  # the log is there, and open
    found = decode_salvage(target.read_bytes())
    assert [record for _, batch in found.batches for record in batch.records] == wanted
    made.close()
