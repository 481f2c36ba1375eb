"""`gjurma-gateway probe` and `drivers`: what answers is told, and nothing asked can mark."""

import asyncio
import io
import json
import re
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from sys import executable
from typing import Any, cast

import pytest

from drivers import catalog
from drivers.protocols import Marker
from gateway.__main__ import main
from gateway.kinds import described, every, in_words
from gateway.probe import NO_LINE_END, Asked, asked, guess, in_order, listen, probe
from simulators.control import Device
from simulators.device import FAMILIES, build
from simulators.faults import Direction, Faults, Piece
from simulators.part import FILE, PartStore
from simulators.pipe import ONLY_ONE
from tests.drivers.marking import CONTENT, SHOT

TCP = "tcp://127.0.0.1:0"
MARKERS = [kind.name for kind in catalog.kinds() if kind.role == "marker" and kind.name in FAMILIES]
READERS = [kind.name for kind in catalog.kinds() if kind.strangers and kind.name in FAMILIES]


class Heard(Faults):
    """What the simulated device was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = b""

    def meet(self, direction: Direction, data: bytes) -> list[Piece]:
        if direction == "to_device":
            self.bytes += data
        return super().meet(direction, data)


@asynccontextmanager
async def there(
    kind: str, folder: Path, wire: str, **options: str
) -> AsyncIterator[tuple[str, Heard, PartStore, Device]]:
    """A simulated device at work: its URL, what it hears, and the piece before it."""
    parts = PartStore(folder / FILE)
    parts.load("line")
    heard = Heard()
    device = build(kind, options, parts, "line", 100.0)
    url = await device.start(wire, heard)
    try:
        yield url, heard, parts, device
    finally:
        await device.stop()
        parts.close()


async def probed(kind: str, url: str, **options: Any) -> tuple[bool, str]:
    said = io.StringIO()
    given = [(name, str(value)) for name, value in options.items()]
    answered = await probe(kind, url, given, said, octets=True)
    return answered, said.getvalue()


def test_what_is_asked_can_be_asked_and_closed_and_no_more() -> None:
    """The names of what acts on metal are not there, for a marker of any kind."""
    allowed = {"connect", "identify", "status", "close"}
    assert {field.name for field in fields(Asked)} == allowed
    acts = {name for name in vars(Marker) if not name.startswith("_")} - allowed
    assert {"arm", "fire", "select_job", "disarm", "abort"} <= acts
    for kind in catalog.kinds():
        scheme = "http" if kind.name == "camera" else "tcp"
        device = asked(kind.build(f"{scheme}://127.0.0.1:9", kind.options(), "device"))
        assert isinstance(device, Asked)
        assert not [name for name in acts | {"open", "read", "flush"} if hasattr(device, name)]


# Written by hand from the manuals' frames; no codec is asked what is harmless.
HARMLESS = {
    "panasonic-lp": rb"(?:\x02(?:STS|FNO|MST)R\r)+",
    "gravotech-tl07": rb'(?:(?:ST|GP "MASTER")\r)+',
    "keyence-md": rb"(?:RX,(?:Ready|JobNo|TriggerLock|JOB=0000,BLK=00[01],CharacterString)\r)+",
    "telesis": rb"(?:\x01I\x02\x03073\r)+",
    # Read holding registers; write one, which is number 0, the host's heartbeat.
    "modbus-cell": rb"(?:..\x00\x00\x00\x06\x01(?:\x03....|\x06\x00\x00..))+",
}


@pytest.mark.parametrize("kind", HARMLESS)
async def test_no_frame_that_a_marker_is_sent_sets_arms_or_fires(tmp_path: Path, kind: str) -> None:
    async with there(kind, tmp_path, TCP) as (url, heard, parts, device):
        answered, said = await probed(kind, url)
        assert answered, said
        assert re.fullmatch(HARMLESS[kind], heard.bytes, re.DOTALL), heard.bytes
        assert await device.pedal() is False
        assert parts.seen("line") == []


@pytest.mark.parametrize("kind", MARKERS)
async def test_a_marker_of_any_kind_answers_and_the_part_stays_blank(
    tmp_path: Path, kind: str
) -> None:
    async with there(kind, tmp_path, "serial") as (url, _, parts, device):
        before = _lasting(device)
        answered, said = await probed(kind, url)
        assert answered, said
        assert _lasting(device) == before
        assert await device.pedal() is False
        await asyncio.sleep(0.05)
        assert parts.seen("line") == []


def _lasting(device: Device) -> dict[str, Any]:
    """The device's state, but that a host is or is not there."""
    return {
        name: [each for each in value if each != "WDT_TRIP"] if isinstance(value, list) else value
        for name, value in device.state().items()
        if name != "heartbeat"
    }


async def test_a_laser_that_is_armed_stays_so_and_is_told_as_armed(tmp_path: Path) -> None:
    async with there("panasonic-lp", tmp_path, "serial") as (url, heard, parts, device):
        kind = catalog.find("panasonic-lp")
        options = kind.options.model_validate({"text_wait_seconds": 0.02})
        laser = kind.build(url, options, "laser")
        await _arm(cast("Marker", laser))
        heard.bytes = b""
        answered, said = await probed("panasonic-lp", url)
        assert answered
        assert f"{url}: armed" in said
        assert parts.seen("line") == []
        assert re.fullmatch(HARMLESS["panasonic-lp"], heard.bytes)
        device.moments.hold("marked")
        assert await device.pedal() is True
        assert await device.moments.await_held(20)
        assert [mark.content for mark in parts.seen("line")] == [CONTENT]
        device.moments.release()


async def _arm(laser: Marker) -> None:
    await laser.connect()
    await laser.select_job("1")
    await laser.arm(SHOT)
    await laser.close()


@pytest.mark.parametrize("kind", ["panasonic-lp", "zebra-ssi"])
async def test_without_a_kind_nothing_is_sent(tmp_path: Path, kind: str) -> None:
    output = io.StringIO()
    async with there(kind, tmp_path, TCP) as (url, heard, parts, _):
        await listen(url, output, octets=True, seconds=0.3)
        assert heard.bytes == b""
        assert parts.seen("line") == []
    said = output.getvalue()
    assert "nothing came in 0.3 s; nothing was sent" in said
    assert "--kind" in said
    assert "--only-readers" in said


@pytest.mark.parametrize("kind", READERS)
async def test_a_reader_is_found_among_readers_and_nothing_is_set_in_it(
    tmp_path: Path, kind: str
) -> None:
    said = io.StringIO()
    async with there(kind, tmp_path, f"{TCP}?{ONLY_ONE}") as (url, _, _, device):
        before = device.state()
        assert await guess(url, said, octets=False) == kind, said.getvalue()
        assert device.state() == before


def test_a_marker_is_never_guessed() -> None:
    kinds = catalog.kinds()
    tried = [kind.name for kind in in_order(kinds)]
    assert {kind.name for kind in kinds if kind.role == "marker"}.isdisjoint(tried)
    at = [name in NO_LINE_END for name in tried]
    assert at == sorted(at), "a question without a line's end comes before one that is a line"
    assert set(NO_LINE_END) <= set(tried)


async def test_nothing_is_guessed_on_a_wire_that_does_not_open(tmp_path: Path) -> None:
    said = io.StringIO()
    assert await guess(f"serial://{tmp_path}/none", said, octets=False) is None
    assert said.getvalue().count("link-closed") == 1


async def test_the_bytes_are_shown_both_ways_with_their_meaning(tmp_path: Path) -> None:
    async def run() -> str:
        async with there("panasonic-lp", tmp_path, TCP) as (url, heard, _, _):
            heard.arm("split", count=1000, seconds=0.01)
            return (await probed("panasonic-lp", url))[1]

    lines = [re.split(r"  +", line) for line in (await run()).splitlines() if line[0] in "<>"]
    at = lines.index(["> 02 53 54 53 52 0d", ".STSR.", "status?"])
    assert lines[at + 1] == ["< 02 53 54 53 41 30 30 30 30 30 0d", ".STSA00000.", "status is 00000"]
    assert [line[0][0] for line in lines] == [">", "<"] * (len(lines) // 2)  # no piece alone


async def test_what_came_is_shown_before_what_it_says(tmp_path: Path) -> None:
    """The answers of a Keyence reader have no words: nothing but the next step shows them."""

    async def run() -> str:
        async with there("keyence-sr", tmp_path, TCP) as (url, _, _, _):
            return (await probed("keyence-sr", url))[1]

    *octets, last = (await run()).splitlines()
    assert [line for line in octets if line[0] not in "<>"] == []
    assert last.endswith(": Keyence SR-1000 R1.27")


MEANINGS = {
    "panasonic-lp": (
        (b"\x02SINS0018S7A\r", True, "text for one shot: arms"),
        (b"\x1503\r", False, "refused: not acceptable in the present state"),
        (b"\x06006\x366\r", False, ""),
        (b"\x060066\r", False, "accepted"),
        (
            b"\x02MKMA\r\x02MKME0300\r",
            False,
            "reception accepted; refused: not acceptable in the present state",
        ),
        (b"\x02STSA0,1,2,1,1,0\r", False, "status is 0,1,2,1,1,0"),
        (b"\x02???E0500\r", False, "refused: incorrect checksum"),
        (b"\x02RSMS1\r", True, "command mode"),
    ),
    "gravotech-tl07": (
        (b'LD "a.t2l" 1 N\r', True, "load a.t2l 1 times, normal: arms"),
        (b"ER 2 8\r\nGO F\r\n", False, "refused: it is marking; marking: finished"),
    ),
    "keyence-md": (
        (b"WX,StartMarking\rRX,ProgramNo\r", True, "start: marks; which job?"),
        (b"WX,TriggerLock=0\r\nRX,Ready\r\n", True, "unlock triggers: arms; ready?"),
        (
            b"WX,OK\rRX,NG,S009,Busy Error\rRX,OK,2\r",
            False,
            "done; refused: it is busy; answer '2'",
        ),
    ),
    "telesis": (
        (b"\x01G\x02\x03071\r", True, "start: marks"),
        (b"\x01I\x0209;001\x03000\r", False, "on: READY, NO_FAULT, input START"),
        (b"\x01P\x02\x06\x03000\r\x15\r", False, "load a pattern accepted; refused"),
    ),
    "zebra-ssi": (
        (bytes.fromhex("04A30400FF55"), True, "request revision"),
        (bytes.fromhex("05D1000002FF28"), False, "cmd nak: 2 bad context"),
    ),
    "cognex-dmcc": ((b"||0:7[101]\r\n", False, "101 command invalid"),),
    "honeywell": (
        (b"\x16T\r", True, "trigger"),
        (b"\x02A\x03SHWNRD1\x06;TRGMOD9\x15!", False, "TRGMOD: this reader takes no such value"),
    ),
    "keyence-sr": (
        (b"\x02ER,LON,23\x03", False, "LON: AutoID Network Navigator is connected"),
        (b"ER,LOX,00\r", False, "LOX: undefined command"),
    ),
    "microscan": (
        (b"<?><!a><K200?>", True, "status?; firmware?; trigger mode?"),
        (b"<?/12>", False, "status: wrong command, in a read cycle"),
    ),
}


@pytest.mark.parametrize("kind", [kind.name for kind in catalog.kinds() if kind.explain])
def test_what_is_shown_of_frames_is_true_and_never_an_error(kind: str) -> None:
    explain = catalog.find(kind).explain
    assert explain is not None
    for data, sent, meaning in MEANINGS.get(kind, ()):
        assert explain(data, sent) == meaning
    for number in range(256):
        for noise in (bytes([number]), bytes([number]) * 5 + b"\r\n", b"\x02\x03\r\n<[]>|"):
            assert isinstance(explain(noise, bool(number % 2)), str)


# --- what is listed -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", catalog.names())
def test_each_kind_tells_what_it_can_and_how_it_is_set(name: str) -> None:
    told = described(name)
    assert told["summary"]
    names = set(catalog.find(name).options.model_fields)
    assert {option["name"] for option in told["options"]} == names
    words = in_words(told)
    assert all(f"  {option} = " in words for option in names)
    assert "  wires: " in words


@pytest.mark.parametrize("name", sorted(HARMLESS.keys() | MEANINGS.keys() | {"camera"}))
def test_what_each_option_means_is_told(name: str) -> None:
    told = described(name)
    assert [option["name"] for option in told["options"] if not option["meaning"]] == []
    assert told["wires"]


def test_what_some_can() -> None:
    told = {each["name"]: each for each in every()}
    laser, pin, cell = told["panasonic-lp"], told["telesis"], told["modbus-cell"]
    assert (laser["single_shot"], pin["single_shot"]) == (True, False)
    assert laser["starts"] == {"default": ["command", "input"], "possible": ["command", "input"]}
    assert cell["starts"] == {"default": ["command"], "possible": ["command", "input"]}
    assert cell["wires"] == ["serial", "tcp"]
    assert laser["wires"] == ["serial", "tcp", "tls", "rfc2217"]
    assert told["zebra-ssi"]["grades"] is False
    macro = next(option for option in laser["options"] if option["name"] == "macro")
    assert macro == {
        "name": "macro",
        "type": '"05" or "06" or "none"',
        "default": "06",
        "required": False,
        "meaning": "The ECC 200 macro that the job's 2D code uses; then only the envelope's body "
        "is sent.",
    }


# --- as commands ----------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_probe_as_a_program(tmp_path: Path) -> None:
    trace = tmp_path / "trace"

    async def run() -> tuple[int | None, str]:
        async with there("panasonic-lp", tmp_path, "serial", checksum="on") as (url, *_):
            process = await asyncio.create_subprocess_exec(
                *(executable, "-m", "gateway", "probe", url, "--kind", "panasonic-lp"),
                *("--option", "checksum=true", "--bytes", "--trace", trace),
                stdout=PIPE,
            )
            out, _ = await process.communicate()
            return process.returncode, out.decode().replace(url, "URL")

    code, out = await run()
    assert code == 0
    assert re.sub("(?m)^[<>].*\n", "", out) == "URL: answers as panasonic-lp\nURL: off\n"
    assert re.search("(?m)^> 02 53 54 53 52 .*status\\?$", out)
    ways = [json.loads(line)["way"] for line in trace.read_text().splitlines()]
    assert [ways[0], ways[-1], "sent" in ways] == ["opened", "closed", True]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("probe", "tcp://127.0.0.1:1", "--kind", "toaster"), 2, "no driver 'toaster'"),
        (("probe", "udp://127.0.0.1:1", "--kind", "telesis"), 2, "begin with serial://"),
        (("probe", "udp://127.0.0.1:1"), 2, "begin with serial://"),
        (("probe", "udp://127.0.0.1:1", "--only-readers"), 2, "begin with serial://"),
        (("probe", "tcp://127.0.0.1:1", "--option", "a=b"), 2, "probe URL --kind KIND"),
        (("probe", "--kind", "telesis"), 2, "probe URL --kind KIND"),
        (
            ("probe", "tcp://127.0.0.1:1", "--kind", "telesis", "--option", "colour=red"),
            2,
            "options.colour: no such key",
        ),
        (("probe", "tcp://127.0.0.1:1", "--kind", "telesis"), 1, "link-closed"),
        (
            ("probe", "serial:///nowhere/tty", "--kind", "telesis"),
            1,
            "connect: /nowhere/tty: No such",
        ),
        (
            ("probe", "tls://127.0.0.1:1?ca=/nowhere/ca.crt", "--kind", "telesis"),
            2,
            "/nowhere/ca.crt: No such file or directory; put the file there",
        ),
        (("probe", "tls://127.0.0.1:1?ca=/nowhere/ca.crt"), 2, "/nowhere/ca.crt: No such file"),
        (
            ("probe", "tcp://127.0.0.1:1", *("--kind", "keyence-sr", "--option", "appended=XX,YY")),
            2,
            "options: no item XX, YY; there are",
        ),
        (
            ("probe", "tcp://127.0.0.1:1", "--kind", "telesis", *(("--option", "a=1") * 2)),
            2,
            "option a is given twice",
        ),
        (("probe", "http://127.0.0.1:1/"), 2, "no stream of bytes; say --kind camera"),
        (("probe", "tcp://127.0.0.1:1", "--trace", "/nowhere/file"), 2, "No such file"),
        (("drivers", "toaster"), 2, "no driver 'toaster'; there are camera, cognex-dmcc"),
        (("drivers", "telesis"), 0, "armed for one shot: cannot, so only the operator may start"),
        (("drivers",), 0, "zebra-ssi: reader. "),
    ],
)
def test_what_the_commands_say(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, told: str
) -> None:
    assert main(words) == code
    said = capsys.readouterr()
    assert told in said.out + said.err


def test_kinds_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drivers", "--json"]) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == catalog.names()
