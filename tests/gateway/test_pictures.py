"""Pictures of parts: named by their content, within a quota, beside the record that names them."""

import asyncio
import hashlib
import io
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image

from drivers.camera.codec import decode, unpack
from gateway.contract.record import Verified
from gateway.ledger import Ledger
from gateway.moves import Phase
from gateway.pictures import Pictures
from gateway.screen.veil import veil
from simulators.optics import STYLES, Optics, Style
from tests.drivers.pictured import pictured
from tests.gateway.test_whole_cycle import People, client, marks, metal, of_type, states
from tests.support.line import Fit, Line, line, until


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_is_named_by_what_is_in_it(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path / "new" / "folder", 1000)
    assert pictures.keep(b"one", ()) == sha(b"one")
    assert pictures.read(sha(b"one")) == b"one"
    (pictures.folder / sha(b"one")).write_bytes(b"two")
    assert pictures.read(sha(b"one")) is None
    for name in ("", "..", "../guard", sha(b"none"), sha(b"one").upper(), "x" * 64):
        assert pictures.read(name) is None


def test_the_oldest_goes_first_and_one_that_is_seen_again_is_young(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path, 30)
    for data in (b"a" * 10, b"b" * 10, b"c" * 10, b"a" * 10, b"d" * 10):
        assert pictures.keep(data, ()) == sha(data)
    assert names(tmp_path) == {sha(b"a" * 10), sha(b"c" * 10), sha(b"d" * 10)}


def test_one_that_is_needed_stays_and_the_quota_is_never_passed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pictures = Pictures(tmp_path, 30)
    needed = {pictures.keep(b"a" * 10, ()), pictures.keep(b"b" * 10, ())}
    wanted = {each for each in needed if each}
    assert pictures.keep(b"c" * 10, wanted) is not None
    assert pictures.keep(b"d" * 10, wanted) is not None
    assert names(tmp_path) == wanted | {sha(b"d" * 10)}
    for data in (b"e" * 11, b"f" * 31):
        assert pictures.keep(data, wanted) is None
    assert names(tmp_path) == wanted | {sha(b"d" * 10)}
    assert caplog.text.count("no picture is kept") == 1
    assert pictures.keep(b"e" * 11, ()) is not None


def test_after_a_start_the_same_order_and_nothing_half_written(tmp_path: Path) -> None:
    first = Pictures(tmp_path, 1000)
    for age, data in enumerate((b"old", b"middle", b"new")):
        name = first.keep(data, ())
        assert name is not None
        os.utime(tmp_path / name, ns=(age, age))
    (tmp_path / f".{sha(b'half')}").write_bytes(b"ha")
    (tmp_path / "README").write_text("not a picture")
    again = Pictures(tmp_path, 12)
    assert again.keep(b"newest", ()) is not None
    assert names(tmp_path) == {"README", sha(b"new"), sha(b"newest")}


def test_a_disk_that_fails_costs_a_picture_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    pictures = Pictures(tmp_path / "file" / "folder", 1000)
    assert pictures.keep(b"one", ()) is None
    (tmp_path / "file").unlink()
    assert pictures.keep(b"one", ()) is not None


@pytest.mark.parametrize("style", STYLES)
def test_on_the_page_no_code_can_be_read_wherever_it_lies_in_the_picture(style: Style) -> None:
    wide = Image.new("L", (1600, 1200), 176)
    for number, at in ((1, (40, 60)), (2, (1200, 300)), (3, (600, 800))):
        wide.paste(unpack(pictured(number, Optics(style))), at)
    file = io.BytesIO()
    wide.save(file, "PNG")
    assert decode(file.getvalue()).codes != ()
    shown = veil(file.getvalue())
    assert shown is not None
    picture = unpack(shown)
    assert max(picture.size) <= 800
    for times in (1, 2, 3):
        larger = io.BytesIO()
        picture.resize((picture.width * times, picture.height * times)).save(larger, "PNG")
        assert decode(larger.getvalue()).codes == ()
    assert veil(b"no picture") is None


@asynccontextmanager
async def play(folder: Path) -> AsyncIterator[tuple[Line, People]]:
    async with line(folder, (Fit("post", eye="camera"),)) as made, client(made) as web:
        yield made, People(made, web, "post")


@pytest.mark.slow
async def test_what_is_read_back_carries_its_picture_and_its_estimate(tmp_path: Path) -> None:
    async with play(tmp_path) as (made, people):
        for _ in range(2):
            made.parts.load("post")
            await people.mark()
        assert [[mark.content] for mark in marks(made)] == list(metal(made).values())
        first, second = of_type(made, Verified)
        assert (first.verdict, first.device, first.symbology) == ("good", "camera", "]d1")
        assert first.grade in ("est. A", "est. B")
        assert first.picture not in (None, second.picture)
        answer = await people.web.get(f"/api/pictures/{first.picture}")
        assert answer.headers["content-type"] == "image/jpeg"
        assert decode(answer.content).codes == ()
        assert made.desk.pictures is not None
        kept = made.desk.pictures.read(first.picture or "")
        assert kept is not None
        assert [code.content for code in decode(kept).codes] == [first.content]
        assert (await people.web.get(f"/api/pictures/{sha(b'none')}")).status_code == 404
        assert made.logbook.ledger.pictures() == set()


@pytest.mark.slow
async def test_a_mark_that_cannot_be_read_keeps_its_picture_until_it_is_settled(
    tmp_path: Path,
) -> None:
    async with play(tmp_path) as (made, people):
        made.parts.load("post")
        made.markers["post"].misbehave("faint", 1)
        assert await people.press("begin") == ""
        await people.reach(Phase.SET_ASIDE)
        (unread,) = of_type(made, Verified)
        assert (unread.verdict, unread.content) == ("unreadable", None)
        assert unread.picture is not None
        assert made.logbook.ledger.pictures() == {unread.picture}
        assert made.desk.pictures is not None
        made.desk.pictures.quota = 1
        kept = await asyncio.to_thread(
            made.desk.pictures.keep, b"another", made.logbook.ledger.pictures()
        )
        assert kept is None
        assert made.desk.pictures.read(unread.picture) is not None
        # The same journal, folded anew, needs the same pictures.
        ledger = Ledger(made.desk.gateway, made.desk.epoch)
        for record in made.records():
            ledger.apply(record)
        assert ledger.pictures() == {unread.picture}


@pytest.mark.slow
async def test_a_full_quota_stops_no_mark(tmp_path: Path) -> None:
    async with play(tmp_path) as (made, people):
        assert made.desk.pictures is not None
        made.desk.pictures.quota = 1
        made.parts.load("post")
        await people.mark()
        (read,) = of_type(made, Verified)
        assert (read.verdict, read.picture) == ("good", None)
        assert states(made) == {"good": 1}
        await until(lambda: not made.stations["post"].busy)
