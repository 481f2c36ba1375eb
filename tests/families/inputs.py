"""What a codec is fed: its vectors' frames and its corpus, and what chance makes of them."""

import random
import tomllib
from collections.abc import Iterator
from typing import Any

from tests.families import ROOT, Family

VECTORS = ROOT / "tests" / "vectors"
CORPUS = ROOT / "tests" / "corpus"
_MARKS = bytes(range(0x20)) + b'<>|[]:;,"=?./ \x7f\xff'
_LONGEST = 600


def corpus(family: Family) -> list[bytes]:
    """What is kept in `tests/corpus/<family>/*.hex`, an input a line."""
    files = sorted((CORPUS / family.name).glob("*.hex"))
    return [bytes.fromhex(line) for file in files for line in file.read_text().splitlines()]


def frames(family: Family) -> list[bytes]:
    """Every frame of its vectors."""
    found = []
    for file in sorted((VECTORS / family.codec.folder).glob("*.toml")):
        found += list(_hexadecimal(tomllib.loads(file.read_text("utf-8"))))
    return found


def _hexadecimal(node: Any) -> Iterator[bytes]:
    """The strings that are bytes, wherever they stand."""
    match node:
        case dict():
            for each in node.values():
                yield from _hexadecimal(each)
        case list():
            for each in node:
                yield from _hexadecimal(each)
        case str() if " " in node.strip():
            try:
                yield bytes.fromhex(node)
            except ValueError:
                return


class Inputs:
    """Endless inputs by chance. `learn` gives one that showed something new: it is tried again."""

    def __init__(self, seed: int, known: list[bytes]) -> None:
        self._chance = random.Random(seed)
        self.known = [each[:_LONGEST] for each in known if each] or [b"\0"]

    def learn(self, data: bytes) -> None:
        self.known.append(data)

    def next(self) -> bytes:
        chance = self._chance
        data = bytearray(chance.choice(self.known))
        if chance.random() < 0.02:
            return chance.randbytes(chance.randrange(80))
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 6))):
            self._change(data)
        return bytes(data[:_LONGEST])

    def cuts(self, data: bytes) -> list[bytes]:
        """The same bytes as they may arrive."""
        pieces = []
        while data:
            size = self._chance.randrange(1, 12)
            pieces.append(data[:size])
            data = data[size:]
        return pieces

    def _change(self, data: bytearray) -> None:
        chance = self._chance
        at = chance.randrange(len(data) + 1)
        match chance.randrange(9):
            case 0 if data:
                data[at % len(data)] ^= 1 << chance.randrange(8)
            case 1 if data:
                data[at % len(data)] = chance.choice(_MARKS)
            case 2 if data:
                data[at % len(data)] = chance.randrange(256)
            case 3:
                del data[at : at + chance.randrange(1, 5)]
            case 4:
                data[at:at] = bytes((chance.choice(_MARKS),))
            case 5:
                data[at:at] = b"%d" % chance.choice((0, 1, 9, 10, 99, 255, 256, 65535, 2**32))
            case 6:
                data[at:at] = data[chance.randrange(len(data) + 1) :][: chance.randrange(1, 40)]
            case 7:
                other = chance.choice(self.known)
                data[at:] = other[chance.randrange(len(other)) :]
            case _:
                data += chance.choice(self.known)
