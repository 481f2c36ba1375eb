"""Seeded chance: a stream of its own for every part of the world, so that one draw more here
moves nothing there."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """One stream. `of` opens another, named under this one."""

    def __init__(self, seed: int | str, name: str = "") -> None:
        self._name = f"{seed}/{name}"
        self._random = random.Random(self._name)
        self.uniform = self._random.uniform
        self.int = self._random.randint

    def of(self, name: str) -> "Chance":
        return Chance(self._name, name)

    def yes(self, probability: float) -> bool:
        return self._random.random() < probability

    def pick(self, among: Sequence[T]) -> T:
        return among[self._random.randrange(len(among))]

    def weighted(self, among: dict[T, float]) -> T:
        return self._random.choices(list(among), weights=list(among.values()))[0]

    def some(self, among: Sequence[T], count: int) -> list[T]:
        return self._random.sample(list(among), min(count, len(among)))

    def hex(self, count: int) -> str:
        """`count` random bytes, as hex digits."""
        return self._random.randbytes(count).hex()

    def bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)
