"""Ammunition lot numbers by MIL-STD-1168C: `XYZ07D006-004`, taken apart and put together.

    XYZ  07  D  006  -  004  AB
    |    |   |  |       |    suffix of a reworked lot, where there is one
    |    |   |  |       sequence number within the interfix
    |    |   |  interfix: one design, one process, one set of suppliers
    |    |   month of production, A to M without I
    |    year of production, two digits
    maker's symbol

Read in the standard: the order of the parts, no blanks, 13 to 16 characters, and W, T and Y as
theatre indicators after the suffix (4.1); the suffix of one or two capital letters (4.6.1); that
within an interfix the sequence number goes on over months and years (3.2.13).

Derived: 13 characters at least, and two letters and a theatre indicator more at most, leave three
each for symbol, interfix and sequence number.

Assumed, as their sections were not read: the symbol is of letters, interfix and sequence number
begin at 001, and every letter may stand in a suffix (4.6.4 restricts some). Refused: a lot
identifier code in the place of the hyphen, and a symbol of fewer than three letters.
"""

from dataclasses import dataclass, replace
from string import ascii_uppercase, digits

from central.said import Said, Word, said

MONTHS = "ABCDEFGHJKLM"
"""January to December."""
THEATRES = "TWY"
LAST_SEQUENCE = 999

# What stands at each place, and what may.
PLACES = (
    *[("a letter of the maker's symbol", ascii_uppercase)] * 3,
    *[("a digit of the year", digits)] * 2,
    ("the letter of the month, A to M without I,", MONTHS),
    *[("a digit of the interfix", digits)] * 3,
    ("the hyphen", "-"),
    *[("a digit of the sequence number", digits)] * 3,
)
_THEATRE, _SUFFIX = "a theatre, T, W or Y,", "a letter of the suffix"
WORDS = (*(what for what, _ in PLACES), _THEATRE, _SUFFIX)
"""What may be lacking, as it is said."""
# Where each number begins, counted from 1, and how far it goes.
RANGES = {
    "year": (4, 0, 99),
    "month": (6, 1, 12),
    "interfix": (7, 1, 999),
    "sequence": (11, 1, LAST_SEQUENCE),
}


class LotNumberError(ValueError):
    """A text that is no lot number, and why; `position` is the character's, counted from 1."""

    def __init__(self, what: Said, position: int) -> None:
        self.sentence = said("character {position}: {what}", position=position, what=what)
        super().__init__(self.sentence)
        self.position = position


@dataclass(frozen=True)
class LotNumber:
    """Raises `LotNumberError` when it cannot be written as the standard asks for."""

    manufacturer: str
    """The maker's symbol, three capital letters."""
    year: int
    """0 to 99: the century is not in a lot number."""
    month: int
    """1 to 12."""
    interfix: int
    """1 to 999."""
    sequence: int
    """1 to 999."""
    suffix: str = ""
    """One or two capital letters, then T, W or Y for a theatre; all of it may be absent."""

    def __post_init__(self) -> None:
        for name, (position, lowest, highest) in RANGES.items():
            value = getattr(self, name)
            if not lowest <= value <= highest:
                raise LotNumberError(
                    said(
                        "{name} {value} is not {lowest} to {highest}",
                        name=Word(name, "lot number"),
                        value=value,
                        lowest=lowest,
                        highest=highest,
                    ),
                    position,
                )
        _check(str(self))

    def __str__(self) -> str:
        return (
            f"{self.manufacturer}{self.year:02d}{MONTHS[self.month - 1]}"
            f"{self.interfix:03d}-{self.sequence:03d}{self.suffix}"
        )

    def next_in_sequence(self, year: int | None = None, month: int | None = None) -> "LotNumber":
        """The lot made after this one in the same interfix, in the same month where none is given.

        It has no suffix: that belongs to a lot that was reworked, not to the series. Raises
        `LotNumberError` after 999, when a new interfix is due.
        """
        if self.sequence == LAST_SEQUENCE:
            position, *_ = RANGES["sequence"]
            raise LotNumberError(
                said(
                    "{lot} is the last of interfix {interfix}",
                    lot=self,
                    interfix=f"{self.interfix:03d}",
                ),
                position,
            )
        return replace(
            self,
            year=self.year if year is None else year,
            month=self.month if month is None else month,
            sequence=self.sequence + 1,
            suffix="",
        )


def parse(text: str) -> LotNumber:
    """Raises `LotNumberError`. Small letters and blanks are refused, not mended."""
    _check(text)
    return LotNumber(
        manufacturer=text[:3],
        year=int(text[3:5]),
        month=MONTHS.index(text[5]) + 1,
        interfix=int(text[6:9]),
        sequence=int(text[10:13]),
        suffix=text[13:],
    )


def _check(text: str) -> None:
    for position, (what, allowed) in enumerate(PLACES, start=1):
        belongs = Word(what, "lot number")
        if position > len(text):
            raise LotNumberError(said("the text ends where {what} belongs", what=belongs), position)
        if text[position - 1] not in allowed:
            raise LotNumberError(_instead(text[position - 1], belongs), position)
    for position, found in enumerate(text[len(PLACES) :], start=len(PLACES) + 1):
        which = position - len(PLACES)
        if which > 3:
            raise LotNumberError(
                said("{found} after the longest lot number", found=repr(found)), position
            )
        if which == 3 and found not in THEATRES:
            raise LotNumberError(_instead(found, Word(_THEATRE, "lot number")), position)
        if found not in ascii_uppercase:
            raise LotNumberError(_instead(found, Word(_SUFFIX, "lot number")), position)


def _instead(found: str, belongs: Word) -> Said:
    return said("{found} where {what} belongs", found=repr(found), what=belongs)
