"""Files of weapons that were marked before there was a register."""

from collections.abc import Iterator

from central.generate.cast import END, store_of
from central.register.imports.models import NewImport

AT = END
AT_ONCE = 100_000
"""Rows of a file: an import takes no more than twice as many lines."""
_HEADINGS = "inventory,maker,model,calibre,serial,marks,year,country,holder,place,disposition"
_MODELS = (("Zastava", "M70", "7.62x39", "RS"), ("Norinco", "Type 56", "7.62x39", "CN"))
_DOUBLED = 500
"""One row of so many carries the serial of the row before."""


def files(count: int) -> Iterator[tuple[NewImport, bytes]]:
    """So many rows in as many files as they need, and as what each is taken in."""
    for number, first in enumerate(range(0, count, AT_ONCE), start=1):
        yield asked(f"IMP-{number:04}"), file(min(AT_ONCE, count - first), first=first)


def asked(number: str) -> NewImport:
    return NewImport(number=number, kind="articles", file="armet.csv", reason="the stock of before")


def file(count: int, series: str = "D", first: int = 0) -> bytes:
    """So many rows from the `first` on, of two holders; `series`: with what their inventory
    numbers begin."""
    rows = (_row(series, index) for index in range(first, first + count))
    return "\n".join((_HEADINGS, *rows)).encode()


def _row(series: str, index: int) -> str:
    maker, model, calibre, country = _MODELS[index % 2]
    serial = f"S{index - 2 if index % _DOUBLED == _DOUBLED - 1 else index:07d}"
    holder = ("FA", "PSH")[index // 2 % 2]
    cells = (f"{series}-{index:07d}", maker, model, calibre, serial, f"{maker} {model} {serial}")
    whereabouts = ("in-store", "in-use")[index % 5 == 0]
    return ",".join(
        (*cells, str(1965 + index % 25), country, holder, store_of(holder), whereabouts)
    )
