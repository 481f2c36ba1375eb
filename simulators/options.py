"""What a simulated device was told by `--option NAME=VALUE`: each looked at, and none left over."""

import math
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TypeVar

_Choice = TypeVar("_Choice", bound=str)
_Member = TypeVar("_Member", bound=Enum)


class Given:
    """The options of one device. Whoever asks for one makes it known; `end` refuses the others.

    Each method raises ValueError, which says what would be right.
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = dict(options)
        self._known: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        self._known.append(name)
        return self._options.pop(name, default)

    def one_of(
        self, name: str, choices: Sequence[_Choice], default: _Choice | None = None
    ) -> _Choice:
        """One of `choices`; the first of them without a default."""
        value = self.text(name, choices[0] if default is None else default)
        for each in choices:
            if each == value:
                return each
        raise ValueError(
            f"{name} is one of {', '.join(each or 'nothing' for each in choices)}, not {value!r}"
        )

    def member(self, name: str, default: _Member) -> _Member:
        """Of the default's enumeration, by its value."""
        kind = type(default)
        return kind(self.one_of(name, [str(each.value) for each in kind], str(default.value)))

    def switch(self, name: str, default: str = "0") -> bool:
        return self.one_of(name, ("0", "1"), default) == "1"

    def whole(self, name: str, default: int, lowest: int = 0, highest: int = 2**32) -> int:
        return self._whole(name, self.text(name, str(default)), lowest, highest)

    def whole_or_none(self, name: str, lowest: int = 1, highest: int = 2**32) -> int | None:
        """None where it is not told."""
        value = self.text(name)
        return self._whole(name, value, lowest, highest) if value else None

    def words(self, name: str, default: str) -> list[str]:
        """Texts with commas between them, or none."""
        return [each for each in self.text(name, default).split(",") if each]

    def wholes(self, name: str, default: str) -> tuple[int, ...]:
        """Numbers with commas between them, or none."""
        return tuple(self._whole(name, each, 0, 2**32) for each in self.words(name, default))

    def number(self, name: str, default: float, lowest: float = 0, highest: float = 1e9) -> float:
        """A number with or without a fraction, such as seconds."""
        value = self.text(name, str(default))
        try:
            found = float(value)
        except ValueError:
            found = math.nan
        if not lowest <= found <= highest:
            span = f"{lowest:g} or more" if highest == 1e9 else f"{lowest:g} to {highest:g}"
            raise ValueError(f"{name} is a number, {span}, not {value!r}")
        return found

    def end(self) -> None:
        """Refuse what nobody asked for."""
        if self._options:
            unknown, known = ", ".join(sorted(self._options)), ", ".join(sorted(self._known))
            raise ValueError(f"no option {unknown}; there are {known}")

    @staticmethod
    def _whole(name: str, value: str, lowest: int, highest: int) -> int:
        if not (value.isascii() and value.isdigit() and lowest <= int(value) <= highest):
            span = f"{lowest} or more" if highest == 2**32 else f"{lowest} to {highest}"
            raise ValueError(f"{name} is a whole number, {span}, not {value!r}")
        return int(value)
