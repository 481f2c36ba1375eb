"""What a label says of a unit, whatever it looks like and in whatever language."""

import re
from dataclasses import dataclass

from central.register.units.numbers import SSCC

RS, GS, EOT = "\x1e", "\x1d", "\x04"


@dataclass(frozen=True)
class Party:
    """Who or where: the name for people, the code for the register."""

    name: str
    code: str
    ncage: str | None = None


@dataclass(frozen=True)
class Goods:
    """One kind of thing within the unit. `pieces`: how many carry a number of their own, `rounds`
    how many they hold together, where their orders say that."""

    model: str
    product: str | None = None
    nsn: str | None = None
    calibre: str = ""
    lots: tuple[str, ...] = ()
    pieces: int = 0
    rounds: int | None = None


@dataclass(frozen=True)
class Journey:
    """The consignment that the unit is listed in and that has not ended."""

    number: str
    sender: Party
    recipient: Party


@dataclass(frozen=True)
class Label:
    """`packages`: how many units lie within, however deep. No goods: none were told of yet."""

    code: str
    holder: Party
    place: Party | None = None
    journey: Journey | None = None
    goods: tuple[Goods, ...] = ()
    packages: int = 0

    @property
    def is_sscc(self) -> bool:
        return re.fullmatch(SSCC, self.code) is not None

    @property
    def element_string(self) -> str:
        """Of an SSCC, for GS1-128: the application identifier 00 and the number."""
        return f"00{self.code}"

    @property
    def envelope(self) -> str:
        """Of another number, for a Data Matrix: ISO/IEC 15434, format 06, data identifier J."""
        return f"[)>{RS}06{GS}J{self.code}{RS}{EOT}"
