"""What `make fuzz` found is run again, with some inputs more, and the search finds defects."""

from dataclasses import replace

import pytest

from tests.families import Codec, Ear, Family, families
from tests.families.fuzz import GROWTH, Escaped, Result, behaviour, fed, growth, replayed, table
from tests.families.inputs import Inputs, frames
from tests.families.modbus_cell import Requests

every = pytest.mark.parametrize("family", families().values(), ids=families())


@every
def test_the_corpus_and_new_inputs_end_in_values_or_named_errors(family: Family) -> None:
    assert replayed(family) > len(frames(family)) > 0
    found = fed(family.name, 2000, seed=1)
    assert not found.escaped
    assert found.inputs == 2000
    assert len(found.seen) > 5


def test_the_same_seed_gives_the_same_inputs() -> None:
    known = frames(families()["zebra_ssi"])
    first, second, third = (Inputs(seed, list(known)) for seed in (3, 3, 4))
    told = [first.next() for _ in range(50)]
    assert told == [second.next() for _ in range(50)]
    assert told != [third.next() for _ in range(50)]


class Slow(Requests):
    """Looks at all that came, whenever something comes."""

    def feed(self, data: bytes) -> list[bytes]:
        self._open += data
        for octet in self._open:
            self.garbage += octet == 0x0D
        return []


class Forgetful(Requests):
    """Takes each piece for a frame."""

    def feed(self, data: bytes) -> list[bytes]:
        return [data]


def _with(ear: Ear) -> Family:
    sound = families()["telesis"]
    return replace(sound, codec=replace(sound.codec, ears=lambda: {"all": ear}))


def _escapes(codec: Codec, ear: Ear) -> str:
    with pytest.raises(Escaped) as escaped:
        behaviour(codec, "all", ear, 0, b"\x01\x02", [b"\x01", b"\x02"])
    return str(escaped.value)


def test_another_error_and_other_frames_are_found() -> None:
    codec = families()["telesis"].codec
    assert "IndexError('no')" in _escapes(codec, Ear(Requests, (_raises,)))
    assert "other frames" in _escapes(codec, Ear(Forgetful, (len,)))


def _raises(frame: bytes) -> object:
    raise IndexError("no")


def test_what_takes_longer_than_the_bytes_grow_is_found() -> None:
    worst, where = growth(_with(Ear(Slow, (len,))), size=1 << 9)
    assert worst > GROWTH
    assert "in pieces" in where


def test_the_table_has_a_line_for_each_codec() -> None:
    lines = table([Result("telesis", 1000, 2500.4, 12, 4.04, "", "")]).splitlines()
    assert lines[2] == "| telesis | 1,000 | 2,500 | 12 | 4.0 |"
    assert not Result("telesis", 1000, 1.0, 1, 4.0, "", "IndexError").good
    assert not Result("telesis", 1000, 1.0, 1, 9.0, "there", "").good
