"""verify, show and export on a real journal, with its gateway stopped or running."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.agent import _serve_locally
from gateway.contract.batch import next_head
from gateway.contract.errors import JournalError
from gateway.guard import Mark
from gateway.inspection import Report, export, show, verify
from gateway.journal import Cursor
from gateway.local import PAGE, client
from gateway.local_api import create_local_app
from gateway.screen.desk import Desk
from tests.gateway.desk import OPENED, Site, new_journal, new_site
from tests.gateway.records import GATEWAY

T = TypeVar("T")


@pytest.fixture
def stopped(site: Site) -> Path:
    """Twenty records, the guard and a receipt at 12, and nobody has it open."""
    site.logbook.append(*[OPENED] * 19)
    site.logbook.write_guard()
    site.journal.move_cursor(Cursor(3, 12, site.journal.head_at(12) or b""))
    site.journal.close()
    return site.path


async def while_it_runs(site: Site, question: Callable[[], T]) -> T:
    """Ask from another thread, while the gateway's local socket is served from this journal."""
    desk = Desk(GATEWAY, 1, "1-00000000", "sq", site.latches, site.logbook, site.permission)
    app = create_local_app(desk, site.journal)
    serving = asyncio.ensure_future(_serve_locally(app, site.path))
    try:
        await asyncio.to_thread(wait_for_answers, site.path)
        return await asyncio.to_thread(question)
    finally:
        for _ in range(20):  # turns of the loop, in which the server sees its clients gone
            await asyncio.sleep(0)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def wait_for_answers(path: Path) -> None:
    deadline = time.monotonic() + 10
    while (http := client(path)) is None:
        assert time.monotonic() < deadline, "nobody serves"
        time.sleep(0.01)
    http.close()


def test_a_whole_journal_is_good_and_says_what_it_was_compared_with(stopped: Path) -> None:
    report = verify(stopped)
    assert report.good
    assert (report.records, report.running, report.epoch) == (20, False, 1)
    assert report.guard.endswith("record 20, as here")
    assert report.receipt == "record 12 of incarnation 3, as here"
    words = report.in_words()
    assert "the file; no gateway runs" in words
    assert "good" in words
    assert json.loads(json.dumps(report.as_json()))["good"] is True


@pytest.mark.parametrize("seq", [1, 11, 20])
def test_one_byte_changed_in_a_copy_names_the_record(
    stopped: Path, tmp_path: Path, seq: int
) -> None:
    copy = tmp_path / "copy.db"
    assert export(stopped, copy) == 20
    assert verify(copy).good
    with closing(sqlite3.connect(copy)) as db:
        body = db.execute("SELECT body FROM record WHERE seq = ?", (seq,)).fetchone()[0]
    raw = bytearray(copy.read_bytes())
    raw[raw.index(body) + len(body) - 3] ^= 4
    copy.write_bytes(raw)
    report = verify(copy)
    assert report.faults == (f"record {seq} does not hash to its head: its bytes were changed",)
    assert report.records == seq - 1
    assert f"FAULT: record {seq} " in report.in_words()
    assert verify(stopped).good


def test_an_older_copy_is_rolled_back_by_its_guard(site: Site, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    export(site.path, copy)
    site.logbook.append(OPENED)
    site.logbook.write_guard()
    (fault,) = verify(copy).faults
    assert fault == "rolled back: the guard knows record 2, the journal ends at 1"


def test_a_receipt_beyond_the_end_is_told(site: Site) -> None:
    site.journal.move_cursor(Cursor(1, 9, bytes(32)))
    (fault,) = verify(site.path).faults
    assert fault == "rolled back: it ends at 1"


def test_the_journal_of_a_closed_epoch_is_good(site: Site) -> None:
    new_journal(site.folder, epoch=2)
    site.logbook.guard.create(Mark(GATEWAY, 2, 0, bytes(32)))
    report = verify(site.path)
    assert report.good
    assert report.guard.endswith("of a later epoch; this one is closed")


def test_a_record_under_anothers_number_or_no_record_at_all_is_told(
    site: Site, tmp_path: Path
) -> None:
    """Bytes that hash as they should, and are not what a gateway writes."""
    (entry,) = site.journal.entries()
    journal = site.journal
    for body, words in ((entry.body, "says that it is record 1"), (b"{}", "cannot be decoded")):
        copy = tmp_path / f"{len(body)}.db"
        export(Path(journal.name), copy)
        with closing(sqlite3.connect(copy)) as db, db:
            head = next_head(journal.head, body)
            db.execute("INSERT INTO record VALUES (2, ?, ?)", (body, head))
        (fault,) = verify(copy).faults
        assert fault.startswith(f"record 2 {words}")


def test_show_prints_every_record(stopped: Path) -> None:
    lines = list(show(stopped, as_json=True))
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, 21))
    numbered = list(show(stopped, as_json=False))
    assert numbered[4].split("\t")[0] == "5"
    assert numbered[4].split("\t")[2] == lines[4]


def test_export_is_one_private_file_and_never_overwrites(stopped: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    export(stopped, copy)
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    assert copy.stat().st_mode & 0o077 == 0
    with pytest.raises(JournalError, match="never overwrites"):
        export(stopped, copy)
    with pytest.raises(JournalError, match="No such file"):
        export(stopped, tmp_path / "nowhere" / "copy.db")
    with pytest.raises(JournalError, match="no such journal"):
        export(tmp_path / "none.db", tmp_path / "other.db")
    assert not (tmp_path / "other.db").exists()
    (tmp_path / "text.db").write_text("no database at all, but long enough to look at" * 50)
    with pytest.raises(JournalError):
        export(tmp_path / "text.db", tmp_path / "other.db")
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize("deep", [False, True])
async def test_a_running_gateway_is_asked_over_its_socket(tmp_path: Path, deep: bool) -> None:
    """Also from a folder whose name is longer than the address of a Unix socket may be."""
    site = new_site(tmp_path / ("d" * 120 if deep else "d"))
    site.logbook.append(*[OPENED] * (PAGE + 20))
    site.logbook.write_guard()
    path = site.path

    def question() -> tuple[Report, int, int, int]:
        mode = path.with_suffix(".sock").stat().st_mode
        shown = len(list(show(path, as_json=True)))
        return verify(path), shown, export(path, tmp_path / "copy.db"), mode

    report, shown, exported, mode = await while_it_runs(site, question)
    assert (report.good, report.running, report.records) == (True, True, PAGE + 21)
    assert "the running gateway" in report.in_words()
    assert (shown, exported) == (PAGE + 21, PAGE + 21)
    assert mode & 0o077 == 0
    assert not verify(path).running
