"""SSI packets against published bytes and an independent checksum; mutants must not survive."""

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.zebra_ssi import codec
from drivers.zebra_ssi.codec import (
    AIM,
    DATA_LIMIT,
    DECODER,
    MORE,
    Assembler,
    Capabilities,
    ChecksumError,
    Decoded,
    Opcode,
    Packet,
    PacketError,
    Splitter,
    again,
    decode,
    decode_capabilities,
    decode_revision,
    decode_settings,
    encode,
    encode_capabilities,
    encode_revision,
    frames,
    host_settings,
    settings,
    symbology,
)

FILE = Path(__file__).parent.parent / "vectors" / "zebra_ssi" / "packets.toml"
VECTORS: list[dict[str, Any]] = tomllib.loads(FILE.read_text())["packet"]
named = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])


def packet_of(vector: dict[str, Any]) -> Packet:
    return Packet(vector["opcode"], vector["from"], vector["status"], bytes.fromhex(vector["data"]))


def complement(body: bytes) -> bytes:
    """The manual's rule step by step: add up, turn every bit, add one, high byte first."""
    total = 0
    for byte in body:
        total = (total + byte) % 65536
    turned = "".join("1" if bit == "0" else "0" for bit in f"{total:016b}")
    value = (int(turned, 2) + 1) % 65536
    return bytes([value // 256, value % 256])


@named
def test_the_file_keeps_the_manuals_rule(vector: dict[str, Any]) -> None:
    frame = bytes.fromhex(vector["hex"])
    assert frame[0] == len(frame) - 2
    assert frame[-2:] == complement(frame[:-2])


def check_vector(vector: dict[str, Any]) -> None:
    """Both directions, through the module so that a mutant is seen."""
    frame = bytes.fromhex(vector["hex"])
    packet = packet_of(vector)
    assert codec.encode(packet) == frame
    assert codec.decode(frame) == packet
    word = vector["name"].partition(" ")[0].strip(":,")
    if word.isupper():
        assert codec.Opcode[word] == packet.opcode
    if "cause" in vector:
        assert codec.nak(vector["cause"], packet.source) == packet
        assert codec.nak_cause(packet) == vector["cause"]
    if told := vector.get("capabilities"):
        capabilities = Capabilities(**{**told, "commands": frozenset(told["commands"])})
        assert codec.encode_capabilities(capabilities) == packet
        assert codec.decode_capabilities(packet) == capabilities
    if "content" in vector:
        decoded = Decoded(vector["code_type"], bytes.fromhex(vector["content"]))
        assert codec.Assembler().add(codec.decode(frame)) == decoded
        assert codec.symbology(decoded.code_type) == vector["symbology"]
        assert codec.frames(decoded) == [packet]


@named
def test_vector_both_ways(vector: dict[str, Any]) -> None:
    check_vector(vector)


def _survives() -> bool:
    try:
        for vector in VECTORS:
            check_vector(vector)
    except (AssertionError, LookupError, ValueError):
        return False
    return True


def _low_byte_first(packet: Packet) -> bytes:
    frame = encode(packet)
    return frame[:-2] + frame[-1:] + frame[-2:-1]


def _low_byte_first_back(frame: bytes) -> Packet:
    return decode(frame[:-2] + frame[-1:] + frame[-2:-1])


def _long(packet: Packet) -> bytes:
    frame = encode(packet)
    body = bytes((frame[0] + 2,)) + frame[1:-2]
    return body + complement(body)


def _long_back(frame: bytes) -> Packet:
    body = bytes((frame[0] - 2,)) + frame[1:-2]
    return decode(body + complement(body))


def _swap(packet: Packet) -> Packet:
    return replace(packet, source=packet.status, status=packet.source)


# The same defect on both sides: a codec that only agrees with itself would let each pass.
MUTANTS: dict[str, dict[str, Callable[..., Any]]] = {
    "ones' complement": {"checksum": lambda body: ~sum(body) & 0xFFFF},
    "plain sum": {"checksum": lambda body: sum(body) & 0xFFFF},
    "eight bits": {"checksum": lambda body: -sum(body) & 0xFF},
    "without the length byte": {"checksum": lambda body: -sum(body[1:]) & 0xFFFF},
    "exclusive or": {"checksum": lambda body: 0xFF00 | body[-1] ^ body[0]},
    "low byte first": {"encode": _low_byte_first, "decode": _low_byte_first_back},
    "length counts the checksum": {"encode": _long, "decode": _long_back},
    "source and status exchanged": {
        "encode": lambda packet: encode(_swap(packet)),
        "decode": lambda frame: _swap(decode(frame)),
    },
}


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_mutants_fail_the_vectors(
    monkeypatch: pytest.MonkeyPatch, mutant: dict[str, Callable[..., Any]]
) -> None:
    assert _survives()
    for name, function in mutant.items():
        monkeypatch.setattr(codec, name, function)
    # Each agrees with itself, as a codec tested against its own simulator would.
    sample = Packet(0xF3, DECODER, MORE, b"\x1b\x1e06\x1d")
    assert codec.decode(codec.encode(sample)) == sample
    assert not _survives()


@pytest.mark.parametrize(
    ("name", "value"), [("MORE", 0x04), ("RETRANSMIT", 0x02), ("AIM", {**AIM, 0x1B: "]d2"})]
)
def test_wrong_constants_fail(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    monkeypatch.setattr(codec, name, value)
    first = codec.decode(bytes.fromhex("08 F3 00 02 1B 41 31 32 FE 44"))
    repeated = codec.encode(codec.again(Packet(Opcode.START_SESSION)))
    right = (
        first.more
        and not first.retransmit
        and repeated == bytes.fromhex("04 E4 04 01 FF 13")
        and _survives()
    )
    assert not right


@pytest.mark.parametrize(
    ("seconds", "tenths", "hex_bytes"),
    [
        (0.1, 1, "0F C6 04 00 FF 9F 01 EE 01 5E 00 8A 08 9B 01 FB 0D"),
        (0.2, 2, "0F C6 04 00 FF 9F 01 EE 01 5E 00 8A 08 9B 02 FB 0C"),
        (9.9, 99, "0F C6 04 00 FF 9F 01 EE 01 5E 00 8A 08 9B 63 FA AB"),
    ],
)
def test_the_settings_of_a_host(seconds: float, tenths: int, hex_bytes: str) -> None:
    frame = bytes.fromhex(hex_bytes)
    assert encode(settings(host_settings(seconds))) == frame
    changed = {0x9F: 1, 0xEE: 1, 0x5E: 0, 0x8A: 8, 0x9B: tenths}
    assert decode_settings(decode(frame)) == changed


@pytest.mark.parametrize("data", ["FF", "FF EE", "FF F4 F0", ""])
def test_other_settings_are_told_apart(data: str) -> None:
    with pytest.raises(PacketError):
        decode_settings(Packet(Opcode.PARAM_SEND, data=bytes.fromhex(data)))


@pytest.mark.parametrize(
    ("code_type", "identifier"),
    [
        (0x01, "]A0"),
        (0x03, "]C0"),
        (0x0B, "]E0"),
        (0x0F, "]C1"),
        (0x11, "]L0"),
        (0x1B, "]d1"),
        (0x1C, "]Q1"),
        (0x7F, ""),
    ],
)
def test_code_types(code_type: int, identifier: str) -> None:
    assert symbology(code_type) == identifier


@pytest.mark.parametrize(
    ("hex_bytes", "error"),
    [
        ("", PacketError),
        ("04 D0 04 00 FF", PacketError),
        ("04 D0 04 00 FF 28 00", PacketError),
        ("03 D0 04 FF 29", PacketError),
        ("04 D0 04 00 FF 29", ChecksumError),
        ("04 D0 04 01 FF 28", ChecksumError),
    ],
)
def test_no_packet(hex_bytes: str, error: type[PacketError]) -> None:
    with pytest.raises(error):
        decode(bytes.fromhex(hex_bytes))


def test_too_much_data() -> None:
    with pytest.raises(ValueError, match="251"):
        encode(Packet(0xF3, data=bytes(DATA_LIMIT + 1)))


packets = st.builds(
    Packet,
    st.integers(0, 255),
    st.sampled_from([0, 4]),
    st.integers(0, 255),
    st.binary(max_size=DATA_LIMIT),
)
codes = st.builds(Decoded, st.integers(0, 255), st.binary(max_size=700))


@given(packets)
def test_encode_then_decode_is_the_identity(packet: Packet) -> None:
    frame = encode(packet)
    assert decode(frame) == packet
    assert frame[-2:] == complement(frame[:-2])


@given(packets, st.data())
def test_any_flipped_bit_is_seen(packet: Packet, data: st.DataObject) -> None:
    frame = bytearray(encode(packet))
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(PacketError):
        decode(bytes(frame))


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_packet_or_a_named_error(data: bytes) -> None:
    try:
        packet = decode(data)
    except PacketError:
        return
    assert encode(packet) == data


@given(st.lists(packets, max_size=6), st.lists(st.integers(1, 40), max_size=200))
def test_however_the_wire_cuts_them_the_frames_are_the_same(
    sent: list[Packet], cuts: list[int]
) -> None:
    stream = b"".join(map(encode, sent))
    splitter = Splitter()
    found: list[bytes] = []
    at = 0
    for size in [*cuts, len(stream) or 1]:
        found += splitter.feed(stream[at : at + size])
        at += size
    assert [decode(frame) for frame in found] == sent
    assert not splitter.unfinished
    assert splitter.garbage == 0


@given(st.lists(st.binary(max_size=300)))
def test_a_splitter_takes_anything_and_is_ready_after_a_silence(chunks: list[bytes]) -> None:
    splitter = Splitter()
    cut = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    splitter.reset()
    assert sum(map(len, cut)) + splitter.garbage == sum(map(len, chunks))
    ack = encode(Packet(Opcode.CMD_ACK))
    assert splitter.feed(ack) == [ack]


def assemble(sent: list[Packet]) -> list[Decoded]:
    assembler = Assembler()
    found = [assembler.add(packet) for packet in sent]
    assert not assembler.partial
    return [decoded for decoded in found if decoded is not None]


@given(st.lists(codes, max_size=3), st.integers(2, DATA_LIMIT))
def test_frames_then_assembling_is_the_identity(sent: list[Decoded], size: int) -> None:
    cut = [packet for code in sent for packet in frames(code, size)]
    assert all(len(packet.data) <= size for packet in cut)
    assert assemble(cut) == sent


@given(codes, st.integers(100, DATA_LIMIT), st.data())
def test_frames_sent_again_without_need_change_nothing(
    code: Decoded, size: int, data: st.DataObject
) -> None:
    cut: list[Packet] = []
    for packet in frames(code, size):
        cut += [packet] + [again(packet)] * data.draw(st.integers(0, 2))
    assert assemble(cut) == [code]


def test_a_frame_that_comes_only_at_the_second_try_counts() -> None:
    first, last = frames(Decoded(0x1B, b"ABCD"), 3)
    assert assemble([again(first), again(last)]) == [Decoded(0x1B, b"ABCD")]


def test_the_code_type_may_not_change_within_a_code() -> None:
    assembler = Assembler()
    assembler.add(Packet(Opcode.DECODE_DATA, DECODER, MORE, b"\x1bAB"))
    with pytest.raises(PacketError):
        assembler.add(Packet(Opcode.DECODE_DATA, DECODER, 0, b"\x1cCD"))
    assert not assembler.partial
    assert assembler.add(Packet(Opcode.DECODE_DATA, DECODER, 0, b"\x1cEF")) == Decoded(0x1C, b"EF")


def test_decode_data_without_a_code_type() -> None:
    with pytest.raises(PacketError):
        Assembler().add(Packet(Opcode.DECODE_DATA, DECODER))


def test_revision() -> None:
    packet = encode_revision(["PAAABS00-001", "0", "SE4500"])
    assert packet == Packet(0xA4, DECODER, 0, b"PAAABS00-001 0 SE4500")
    assert decode_revision(packet) == ["PAAABS00-001", "0", "SE4500"]
    assert decode_revision(Packet(0xA4, DECODER)) == []


@given(
    st.builds(
        Capabilities,
        st.integers(0, 0xFFFF),
        st.integers(0, 255),
        st.integers(0, 255),
        st.frozensets(st.integers(0, 255), max_size=200),
    )
)
def test_capabilities(capabilities: Capabilities) -> None:
    assert decode_capabilities(encode_capabilities(capabilities)) == capabilities


def test_capabilities_that_are_cut_short() -> None:
    with pytest.raises(PacketError):
        decode_capabilities(Packet(Opcode.CAPABILITIES_REPLY, DECODER, 0, b"\x00\x20\x24"))
