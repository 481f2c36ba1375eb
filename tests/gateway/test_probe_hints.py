"""`probe` shows what came, says what it looks like and which setting would answer it."""

import io
from collections.abc import Awaitable, Callable

import pytest

from drivers.catalog import find
from drivers.diagnosis import diagnosed
from gateway.probe import probe
from simulators.faults import Faults
from simulators.pipe import Wire, serve

TCP = "tcp://127.0.0.1:0"
Answer = Callable[[bytes], bytes]


def seven(parity: int, text: bytes) -> bytes:
    """As 8N1 sees 7 bits with such a parity."""
    return bytes(o | 0x80 if o.bit_count() % 2 != parity else o for o in text)


def summed(frame: bytes) -> bytes:
    """Panasonic's checksum before the CR."""
    return frame[:-1] + f"{sum(frame[:-1]) & 0xFF:02X}".encode() + b"\r"


def panasonic(data: bytes) -> bytes:
    return b"\x02FNOA0000\r" if b"FNO" in data else b"\x02STSA00000\r"


def peer(answer: Answer) -> Callable[[Wire], Awaitable[None]]:
    async def talk(wire: Wire) -> None:
        while data := await wire.read():
            await wire.write(answer(data))

    return talk


SITUATIONS: list[tuple[str, str, str, dict[str, str], Answer, str]] = [
    ("wrong baud", "serial", "panasonic-lp", {}, lambda _: b"\xf8\x00\x80\xe6\xfe\x9e\x00\xf8",
     "no text: another line speed than 9600"),
    ("wrong baud, reader", "serial", "cognex-dmcc", {}, lambda _: b"\xf8\x00\x80\xe6\xfe\x9e\x00",
     "no text: another line speed than 9600"),
    ("garbage by network", TCP, "panasonic-lp", {}, lambda _: bytes(range(0x80, 0x90)),
     "the serial server's port has another line speed"),
    ("no checksum", "serial", "panasonic-lp", {"checksum": "true"}, panasonic,
     "--option checksum=false"),
    ("its checksum", "serial", "panasonic-lp", {}, lambda data: summed(panasonic(data)),
     "--option checksum=true"),
    ("echo", "serial", "panasonic-lp", {}, lambda data: data, "what was sent comes back"),
    ("echo before the reply", "serial", "keyence-md", {}, lambda data: data + b"RX,OK,0\r",
     "what was sent comes back"),
    ("7E1", "serial", "panasonic-lp", {}, lambda data: seven(0, panasonic(data)),
     "write ?bytesize=7&parity=E"),
    ("7O1", "serial", "gravotech-tl07", {}, lambda _: seven(1, b"ST 4 1 0\r\n"),
     "write ?bytesize=7&parity=O"),
    ("RTU for TCP", TCP, "modbus-cell", {},
     lambda _: bytes.fromhex("018302c0f1"), "--option serial_server=true"),
    ("TCP for RTU", TCP, "modbus-cell", {"serial_server": "true"},
     lambda _: bytes.fromhex("000100000003018302"), "--option serial_server=false"),
    ("a prompt", TCP, "gravotech-tl07", {}, lambda _: b"ER 1 1\r\nTL07> ", "a prompt"),
    ("a login", TCP, "panasonic-lp", {}, lambda _: b"\r\nNPort 5110\r\nlogin: ", "a prompt"),
    ("another kind", "serial", "panasonic-lp", {}, lambda _: b"RX,OK,0\r", "--kind keyence-md"),
    ("TLS", TCP, "panasonic-lp", {}, lambda _: bytes.fromhex("15030100020246"), "write tls://127"),
    ("silence", "serial", "panasonic-lp", {}, lambda _: b"", "came: nothing"),
]  # fmt: skip
QUICK = {"reply_seconds": "0.1", "response_timeout": "0.1", "timeout": "0.1"}


@pytest.mark.parametrize(
    ("wire", "kind", "options", "answer", "told"),
    [pytest.param(*row[1:], id=row[0]) for row in SITUATIONS],
)
async def test_what_came_and_what_it_looks_like(
    wire: str, kind: str, options: dict[str, str], answer: Answer, told: str
) -> None:
    fields = find(kind).options.model_fields
    quick = {name: value for name, value in QUICK.items() if name in fields}
    said = io.StringIO()
    listener = await serve(wire, peer(answer), Faults())
    try:
        given = list({**quick, **options}.items())
        assert not await probe(kind, listener.url, given, said, octets=False)
    finally:
        await listener.close()
    assert told in said.getvalue(), said.getvalue()
    assert ": came: " in said.getvalue()


@pytest.mark.parametrize("kind", ["panasonic-lp", "zebra-ssi", "modbus-cell", "camera"])
def test_no_bytes_are_an_error(kind: str) -> None:
    found = find(kind)
    url = "http://x/" if kind == "camera" else "tcp://x:1"
    for number in range(0, 256, 15):
        for noise in (bytes([number]), bytes([number]) * 9, bytes([number]) + b"\r\n> "):
            for line in diagnosed(found, url, found.options(), [b"?"], noise):
                assert line
