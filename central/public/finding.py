"""Filters, orders and the search of the public registers. Pure."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from central.public.models import PublicLicence

T = TypeVar("T", bound=BaseModel)
_DASHES = dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63, 0xFF0D), "-")
_ALIKE = str.maketrans("OILSBZQ", "0115820", ".-_/") | str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425", "A8EKMH0PCTYX"
)
"""Letters and digits that are read for one another, Cyrillic letters that look Latin, and what
divides a number."""


def normal(number: str) -> str:
    """A number as it is compared: without space, in capitals, with the plain hyphen."""
    text = unicodedata.normalize("NFKC", number).translate(_DASHES).upper()
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) != "Cf")


@dataclass(frozen=True)
class Found:
    """The licence of a number, or those whose numbers look like it: none of them is meant."""

    licence: PublicLicence | None
    alike: tuple[PublicLicence, ...] = ()


class Numbers:
    """Licences by their numbers, in each form in which a number is compared: made once, so that a
    number which there is not costs no look at all of them."""

    def __init__(self, licences: Mapping[str, PublicLicence]) -> None:
        self._exact = licences
        self._normal: defaultdict[str, list[PublicLicence]] = defaultdict(list)
        self._loose: defaultdict[str, list[PublicLicence]] = defaultdict(list)
        for number, each in licences.items():
            form = normal(number)
            self._normal[form].append(each)
            self._loose[form.translate(_ALIKE)].append(each)

    def find(self, typed: str) -> Found:
        """What is written on a paper, however it was typed."""
        exactly = self._exact.get(typed.strip())
        if exactly is not None:
            return Found(exactly)
        form = normal(typed)
        same = self._normal.get(form, [])
        if len(same) == 1:
            return Found(same[0])
        loosely = form.translate(_ALIKE)
        alike = self._loose.get(loosely, []) if loosely else []
        return Found(None, tuple(alike[:5]))


def plain(text: str) -> str:
    """Without capitals and marks: ë is e, ç is c."""
    parts = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in parts if unicodedata.category(c) != "Mn")


def matching(rows: Iterable[T], wanted: str, fields: Sequence[str]) -> list[T]:
    """Those in one of whose fields each word stands."""
    words = plain(wanted).split()

    def holds(row: T) -> bool:
        text = " ".join(plain(str(getattr(row, field) or "")) for field in fields)
        return all(word in text for word in words)

    return [row for row in rows if holds(row)]


def filtered(rows: Iterable[T], **wanted: str | None) -> list[T]:
    """Those whose field is that, or holds it among several; None asks for nothing."""
    asked = {name: value for name, value in wanted.items() if value is not None}

    def fits(row: T) -> bool:
        found = ((getattr(row, name), value) for name, value in asked.items())
        return all(value in has if isinstance(has, tuple) else has == value for has, value in found)

    return [row for row in rows if fits(row)]


def ordered(rows: Iterable[T], sort: str, key: str) -> list[T]:
    """By a column, with `-` before it the other way round; equal ones by their key, the other way
    round too; what has no value comes last either way."""
    name, down = sort.removeprefix("-"), sort.startswith("-")

    def place(row: T) -> tuple[Any, str]:
        value = getattr(row, name)
        return plain(value) if isinstance(value, str) else value, getattr(row, key)

    listed = list(rows)
    has = [row for row in listed if getattr(row, name) is not None]
    none = [row for row in listed if getattr(row, name) is None]
    last = sorted(none, key=lambda row: str(getattr(row, key)), reverse=down)
    return sorted(has, key=place, reverse=down) + last
