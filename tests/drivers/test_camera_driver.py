"""The camera as a CodeReader: the live simulator, real files, bad servers, wrong devices."""

import asyncio
import ctypes
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from drivers.camera import v4l2
from drivers.camera.driver import Camera, Options
from drivers.camera.source import FolderTarget, SnapshotTarget, VideoTarget, parse_url
from drivers.errors import (
    BadFrame,
    DeviceError,
    DeviceRefused,
    LinkClosed,
    LinkTimeout,
    UnexpectedReply,
)
from drivers.protocols import Pictured
from simulators.optics import Optics, see
from tests.drivers.camera_bench import QUICK, Bench, run
from tests.drivers.pictured import engraved, pictured
from tests.drivers.reader_bench import OTHER, UII

wires = pytest.mark.parametrize("wire", ["http", "folder"])


@wires
@pytest.mark.parametrize("style", ["laser", "dot-peen"])
def test_reads_what_is_engraved_and_keeps_its_picture(
    tmp_path: Path, wire: str, style: str
) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        (reading,) = await made.look()
        assert (reading.content, reading.symbology) == (UII, "]d1")
        assert reading.grade in ("est. A", "est. B")
        assert isinstance(made.reader, Pictured)
        first = made.reader.picture
        made.lay(OTHER)
        assert await made.contents() == [OTHER]
        assert made.reader.picture not in (None, first)

    run(tmp_path, act, wire, {"style": style})


@wires
def test_no_part_a_blank_one_and_a_faint_mark_give_nothing_and_a_picture(
    tmp_path: Path, wire: str
) -> None:
    async def act(made: Bench) -> None:
        pictures = []
        for lay in (lambda: None, made.lay, lambda: made.lay(UII, quality=0.3)):
            lay()
            await asyncio.sleep(0.15)  # what is laid into the folder next shows it
            assert await made.look(0.3) == ()
            pictures.append(made.reader.picture)
        assert None not in pictures
        assert len(set(pictures)) == 3

    run(tmp_path, act, wire)


@wires
def test_a_part_marked_during_the_session_is_seen(tmp_path: Path, wire: str) -> None:
    async def act(made: Bench) -> None:
        made.lay()
        await made.reader.connect()
        await made.reader.open()
        reading = asyncio.create_task(made.reader.read(30.0))
        await asyncio.sleep(0.1)
        made.parts.engrave("bench", 1, UII, (), 0.9, "laser")
        assert [found.content for found in await reading] == [UII]
        await made.reader.close()

    run(tmp_path, act, wire)


@wires
def test_what_the_camera_does_wrong_is_told_and_no_look_counts(tmp_path: Path, wire: str) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        await made.contents()
        for name, faults in {
            "half": (LinkTimeout, LinkClosed, BadFrame),
            "gone": (UnexpectedReply, LinkTimeout),
        }.items():
            made.device.misbehave(name, 1000)
            with pytest.raises(faults):
                await made.look(0.4)
            await made.reader.shut()
            made.device._misdeeds._planned.clear()
            assert await made.contents(5.0) == [UII]
        made.device.misbehave("blind", 1)
        assert await made.contents(5.0) == [UII]  # the next picture shows it

    run(tmp_path, act, wire, options={"reply_seconds": 0.5})


@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param(("drop", "split", "flip", "delay", "double"), id="some"),
        pytest.param(
            ("drop", "double", "split", "flip", "delay") * 7, id="more", marks=pytest.mark.faults
        ),
    ],
)
def test_faults_of_the_wire_never_make_another_code(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    async def act(made: Bench) -> None:
        for index, kind in enumerate(kinds):
            contents = [UII] if index % 2 else []
            made.lay(*contents)
            made.faults.arm(kind, "to_host", after=7 + 400 * index, seconds=0.05)
            for _ in range(10):
                try:
                    found = await made.contents(0.3)
                    break
                except DeviceError:
                    await made.reader.shut()
            # A flipped bit of a picture may hide a mark, and make none.
            assert found == contents or (kind in ("flip", "drop", "double") and found == [])
            made.faults.clear()

    run(tmp_path, act, options={"reply_seconds": 0.5})


def in_folder(tmp_path: Path, act: Callable[[Camera], Awaitable[None]]) -> None:
    async def whole() -> None:
        reader = Camera(f"folder://{tmp_path}", Options.model_validate(QUICK), "reader")
        async with asyncio.timeout(60):
            await reader.connect()
            await act(reader)
            await reader.shut()

    asyncio.run(whole())


async def session(reader: Camera, seconds: float, then: Callable[[], None]) -> list[str]:
    """Open, wait until pictures count, do something in the folder, and read."""
    await reader.flush()
    await reader.open()
    reading = asyncio.create_task(reader.read(seconds))
    await asyncio.sleep(0.1)
    then()
    found = [each.content for each in await reading]
    await reader.close()
    return found


def test_a_picture_older_than_the_session_never_counts(tmp_path: Path) -> None:
    """Neither one that lies there, nor one that is renamed, rewritten or touched afterwards."""
    old, growing = tmp_path / "old.jpg", tmp_path / "growing.tmp"
    old.write_bytes(pictured(1, Optics()))
    growing.write_bytes(pictured(2, Optics()))

    def meddle() -> None:
        growing.rename(tmp_path / "grown.jpg")
        old.write_bytes(pictured(3, Optics()))
        os.utime(old)

    async def act(reader: Camera) -> None:
        with pytest.raises(LinkTimeout, match="no picture came"):
            await session(reader, 0.4, meddle)
        assert reader.picture is None

    in_folder(tmp_path, act)


async def test_what_comes_before_the_latency_is_over_is_left_out(tmp_path: Path) -> None:
    options = Options.model_validate({**QUICK, "latency_seconds": 0.4})
    reader = Camera(f"folder://{tmp_path}", options, "reader")
    await reader.connect()
    await reader.open()
    reading = asyncio.create_task(reader.read(30.0))
    await asyncio.sleep(0.1)
    (tmp_path / "late.jpg").write_bytes(pictured(1, Optics()))
    await asyncio.sleep(0.6)
    assert not reading.done()
    (tmp_path / "new.jpg").write_bytes(pictured(2, Optics()))
    assert [each.content for each in await reading] == [engraved(2).content]


def test_the_newest_counts_and_what_is_no_picture_does_not(tmp_path: Path) -> None:
    def lay() -> None:
        (tmp_path / "notes.txt").write_text("no picture")
        (tmp_path / ".hidden.jpg").write_bytes(pictured(9, Optics()))
        for number in (1, 2, 3):
            path = tmp_path / f"{9 - number}.jpg"
            path.write_bytes(pictured(number, Optics()))
            os.utime(path, ns=(number, number))

    async def act(reader: Camera) -> None:
        assert await session(reader, 30.0, lay) == [engraved(3).content]

    in_folder(tmp_path, act)


def test_a_file_counts_when_it_is_whole(tmp_path: Path) -> None:
    data = pictured(1, Optics())

    async def act(reader: Camera) -> None:
        await reader.open()
        reading = asyncio.create_task(reader.read(30.0))
        await asyncio.sleep(0.1)
        with (tmp_path / "slow.jpg").open("wb", buffering=0) as file:
            for start in range(0, len(data), len(data) // 6):
                await asyncio.sleep(0.02)
                file.write(data[start : start + len(data) // 6])
        assert [each.content for each in await reading] == [engraved(1).content]

    in_folder(tmp_path, act)


def test_a_file_that_stays_half_is_an_error_and_not_an_empty_look(tmp_path: Path) -> None:
    half = pictured(1, Optics())[:-4000]

    async def act(reader: Camera) -> None:
        with pytest.raises(BadFrame, match="no whole picture"):
            await session(reader, 1.0, lambda: _write(tmp_path / "half.jpg", half))
        with pytest.raises(BadFrame, match="did not become whole"):
            await session(reader, 0.3, lambda: _write(tmp_path / "empty.jpg", b""))

    in_folder(tmp_path, act)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def test_the_loop_goes_on_while_a_picture_is_decoded(tmp_path: Path) -> None:
    """A large picture with nothing in it climbs the whole ladder, beside the loop."""
    blank = see([], Optics("dot-peen"))

    async def act(made: Bench) -> None:
        made.lay()
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.002)
                ticks += 1

        ticking = asyncio.create_task(tick())
        assert await made.look(0.3) == ()
        ticking.cancel()
        assert ticks > 10
        assert made.reader.picture == blank

    run(tmp_path, act, device={"style": "dot-peen"})


ANSWERS = {
    b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n": DeviceRefused,
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n": UnexpectedReply,
    b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n": UnexpectedReply,
    b"HTTP/1.1 200 OK\r\nAge: 31\r\nContent-Length: 2\r\n\r\nok": UnexpectedReply,
    b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nonly": LinkClosed,
    b"SSH-2.0-OpenSSH_9.2\r\n\r\n": LinkClosed,
    b"": LinkClosed,
}


@pytest.mark.parametrize(("answer", "fault"), ANSWERS.items())
async def test_servers_that_are_no_camera(answer: bytes, fault: type[DeviceError]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    camera = Camera(f"http://127.0.0.1:{port}/x", Options.model_validate(QUICK), "reader")
    with pytest.raises(fault) as raised:
        await camera.connect()
    assert raised.value.device == "reader"
    await camera.shut()
    server.close()
    await server.wait_closed()
    with pytest.raises(LinkClosed):
        await camera.connect()
    await camera.shut()


async def test_a_camera_that_does_not_answer_is_given_up() -> None:
    writers = []
    silent = await asyncio.start_server(
        lambda _reader, writer: writers.append(writer), "127.0.0.1", 0
    )
    port = silent.sockets[0].getsockname()[1]
    options = Options(reply_seconds=0.1)
    camera = Camera(f"http://127.0.0.1:{port}/", options, "reader")
    with pytest.raises(LinkTimeout):
        await camera.connect()
    await camera.shut()
    for writer in writers:
        writer.close()
    silent.close()


async def test_an_answer_that_is_no_picture_is_a_bad_frame(tmp_path: Path) -> None:
    page = b"<html>sign in</html>"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + page)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    camera = Camera(f"http://127.0.0.1:{port}/", Options.model_validate(QUICK), "reader")
    await camera.connect()
    await camera.open()
    with pytest.raises(BadFrame):
        await camera.read(1.0)
    await camera.shut()
    server.close()


@pytest.mark.parametrize("wire", ["http://127.0.0.1:9/", "folder:///nowhere/at/all"])
async def test_nothing_is_read_without_a_session(wire: str) -> None:
    camera = Camera(wire, Options(), "reader")
    with pytest.raises(LinkClosed):
        await camera.connect()
    with pytest.raises(LinkClosed):
        await camera.read(0.1)
    await camera.shut()


async def test_a_video_device_that_is_missing_or_is_none(tmp_path: Path) -> None:
    """All that can be tried without a camera."""
    plain = tmp_path / "video0"
    plain.write_bytes(b"")
    for path, fault, says in (
        (tmp_path / "video9", LinkClosed, "No such file"),
        (plain, LinkClosed, "is no device"),
        (Path("/dev/null"), DeviceRefused, "is no video device"),
    ):
        camera = Camera(f"v4l2://{path}", Options(), "reader")
        with pytest.raises(fault, match=says):
            await camera.connect()
        with pytest.raises(LinkClosed):
            await camera.open()
        await camera.shut()


def test_the_kernels_numbers_and_layouts() -> None:
    """As a C program printed them from linux/videodev2.h (6.1, x86-64)."""
    numbers = (v4l2.QUERYCAP, v4l2.S_FMT, v4l2.REQBUFS, v4l2.QUERYBUF, v4l2.QBUF, v4l2.DQBUF)
    assert numbers == (0x80685600, 0xC0D05605, 0xC0145608, 0xC0585609, 0xC058560F, 0xC0585611)
    assert (v4l2.STREAMON, v4l2.STREAMOFF) == (0x40045612, 0x40045613)
    formats = (v4l2.MJPEG, v4l2.JPEG, v4l2.GREY, v4l2.YUYV)
    assert formats == (0x47504A4D, 0x4745504A, 0x59455247, 0x56595559)
    buffer, form = v4l2.Buffer, v4l2.Format
    offsets = [getattr(buffer, name).offset for name in ("used", "flags", "seconds", "sequence")]
    assert offsets == [8, 12, 24, 56]
    assert [getattr(buffer, name).offset for name in ("memory", "offset", "length")] == [60, 64, 72]
    assert [getattr(form, name).offset for name in ("width", "pixels", "line", "size")] == [
        8, 16, 24, 28,
    ]  # fmt: skip
    assert ctypes.sizeof(v4l2.Capability) == 104


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("folder:///srv/ftp/line-1", FolderTarget(Path("/srv/ftp/line-1"))),
        ("v4l2:///dev/video0", VideoTarget(Path("/dev/video0"))),
        ("http://10.0.0.7/shot.jpg?res=full", SnapshotTarget("http://10.0.0.7/shot.jpg?res=full")),
        ("https://camera.local:8443/x", SnapshotTarget("https://camera.local:8443/x")),
    ],
)
def test_the_sources(url: str, target: object) -> None:
    assert parse_url(url) == target


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("tcp://10.0.0.7:80", "begin with folder"),
        ("folder://srv/ftp", "three slashes"),
        ("v4l2://", "three slashes"),
        ("v4l2:///dev/video0?fps=5", "three slashes"),
        ("http:///shot.jpg", "write http://host"),
        ("http://host:99999/", "[Pp]ort"),
        ("http://me:secret@host/", "no user"),
    ],
)
def test_urls_that_are_wrong(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_url(url)


def test_a_password_is_not_told() -> None:
    options = Options(user="gjurma", password="much-secret")
    assert "much-secret" not in repr(options)
    assert options.auth is not None
    with pytest.raises(ValueError, match="a password needs a user"):
        Options(password="much-secret")
