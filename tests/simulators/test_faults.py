"""Faults on the wire: what each makes of the bytes, and that it says so only when it met some."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import LinkClosed
from drivers.transport import open_stream
from simulators.faults import KINDS, Faults, Piece
from simulators.pipe import Wire, serve, splice


def _after(kind: str, data: bytes, after: int = 0) -> bytes:
    faults = Faults()
    faults.arm(kind, after=after)
    passed = b"".join(piece.data for piece in faults.meet("to_host", data))
    assert faults.landed == {kind: 1}
    return passed


async def test_what_each_fault_makes_of_the_bytes() -> None:
    assert _after("drop", b"abcdef") == b""
    assert _after("drop", b"abcdef", after=2) == b"ab"
    assert _after("double", b"abc") == b"abcabc"
    assert _after("double", b"abc", after=2) == b"abcc"
    assert _after("flip", b"abc", after=1) == b"afc"
    assert _after("cut", b"abcdef", after=4) == b"abcd"
    assert _after("split", b"abcdef", after=2) == b"abcdef"
    assert _after("delay", b"abc") == b"abc"


def test_split_and_delay_change_the_time() -> None:
    faults = Faults()
    faults.arm("split", after=2, seconds=0.5)
    faults.arm("delay", seconds=0.25)
    assert faults.meet("to_host", b"abcdef") == [Piece(b"ab"), Piece(b"cdef", 0.5)]
    assert faults.meet("to_host", b"abc") == [Piece(b"abc", 0.25)]
    assert faults.meet("to_host", b"abc") == [Piece(b"abc")]


def test_after_counts_over_pieces_and_only_in_its_direction() -> None:
    faults = Faults()
    faults.arm("flip", "to_device", after=5)
    assert faults.meet("to_host", b"abcdefgh") == [Piece(b"abcdefgh")]
    assert faults.meet("to_device", b"abc") == [Piece(b"abc")]
    assert not faults.landed
    assert faults.meet("to_device", b"def") == [Piece(b"deb")]
    assert faults.landed == {"flip": 1}


def test_count_meets_so_many_pieces() -> None:
    faults = Faults()
    faults.arm("drop", count=2)
    assert [faults.meet("to_host", b"x") for _ in range(3)] == [[], [], [Piece(b"x")]]
    assert faults.landed == {"drop": 2}


def test_what_was_armed_can_be_forgotten() -> None:
    faults = Faults()
    faults.arm("drop")
    faults.clear()
    assert faults.meet("to_host", b"x") == [Piece(b"x")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "melt"},
        {"kind": "drop", "direction": "up"},
        {"kind": "drop", "count": 0},
        {"kind": "drop", "after": -1},
        {"kind": "delay", "seconds": -0.1},
    ],
)
def test_what_is_no_fault_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Faults().arm(**wrong)  # type: ignore[arg-type]


@given(st.lists(st.binary(min_size=1, max_size=8), max_size=12), st.data())
def test_landed_tells_exactly_what_met_bytes(pieces: list[bytes], data: st.DataObject) -> None:
    faults = Faults()
    kind = data.draw(st.sampled_from([kind for kind in KINDS if kind != "cut"]))
    after, count = data.draw(st.integers(0, 30)), data.draw(st.integers(1, 3))
    faults.arm(kind, count=count, after=after, seconds=0)
    met = 0
    for piece in pieces:
        passed = faults.meet("to_host", piece)
        changed = faults.landed[kind] - met
        met = faults.landed[kind]
        assert changed in (0, 1)
        if not changed:
            assert passed == [Piece(piece)]
        elif kind in ("split", "delay"):
            assert b"".join(each.data for each in passed) == piece
        else:
            assert b"".join(each.data for each in passed) != piece
    total = sum(map(len, pieces))
    assert (met > 0) == (total > after)


async def _healed(faults: Faults) -> None:
    for _ in range(500):
        if not faults.dead:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the line stays cut")


async def _echo(wire: Wire) -> None:
    while data := await wire.read():
        await wire.write(data)


@pytest.mark.parametrize("spliced", [False, True], ids=["served", "spliced"])
@pytest.mark.parametrize("listen", ["serial", "tcp://127.0.0.1:0"])
async def test_faults_meet_the_bytes_of_a_real_wire(listen: str, spliced: bool) -> None:
    faults = Faults()
    server = await serve("tcp://127.0.0.1:0", _echo, Faults()) if spliced else None
    if server is None:
        listener = await serve(listen, _echo, faults)
    else:
        listener = await splice(listen, server.url, faults)
    stream = await open_stream(listener.url, "device")
    faults.arm("flip", "to_device", after=1)
    faults.arm("double", "to_host")
    await stream.write(b"abc")
    back = b""
    while len(back) < 6:
        back += await stream.read()
    assert back == b"afcafc"
    assert faults.landed == {"flip": 1, "double": 1}
    await stream.close()
    await listener.close()
    if server is not None:
        await server.close()


async def test_a_cut_ends_a_connection_and_silences_a_terminal() -> None:
    faults = Faults()
    listener = await serve("tcp://127.0.0.1:0", _echo, faults)
    stream = await open_stream(listener.url, "device")
    faults.arm("cut", "to_host", after=2, seconds=0)
    await stream.write(b"abc")
    assert await stream.read() == b"ab"
    await stream.close()
    await listener.close()

    listener = await serve("serial", _echo, faults)
    stream = await open_stream(listener.url, "device")
    faults.arm("cut", "to_host", after=2, seconds=0.2)
    await stream.write(b"abc")
    assert await stream.read() == b"ab"
    await stream.write(b"lost")
    await _healed(faults)
    await stream.write(b"back")
    assert await stream.read() == b"back"
    await stream.close()
    await listener.close()


async def test_a_connection_that_was_cut_can_be_made_again() -> None:
    faults = Faults()
    listener = await serve("tcp://127.0.0.1:0", _echo, faults)
    stream = await open_stream(listener.url, "device")
    faults.arm("cut", "to_device", seconds=0.05)
    await stream.write(b"abc")
    with pytest.raises(LinkClosed):
        await stream.read()
    await stream.close()
    await _healed(faults)
    again = await open_stream(listener.url, "device")
    await again.write(b"abc")
    assert await again.read() == b"abc"
    await again.close()
    await listener.close()
