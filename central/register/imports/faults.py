"""What is said of a row that is refused, and the same read back from the text that is kept of it.

    told = not_right("'19x4'", "a year from 1800 to 2100, as 1974")
    read_back(str(told)) == told

An act keeps a refusal as a text in English, for good. Whoever shows it to people reads it back, and
tells it in their language; what no form of today fits stays as it stands.
"""

import re

from central.readback import Forms
from central.register.imports.columns import RIGHT
from central.said import Said, Word, said

_SHOWN = 60
"""So many characters of a cell stand in what is told of it."""


def shown(cell: str) -> str:
    return repr(cell if len(cell) <= _SHOWN else cell[:_SHOWN] + "…")


def under_no_heading(column: object, cell: str) -> Said:
    return said("column {column} holds {cell} under no heading", column=column, cell=cell)


def not_right(cell: str, right: str) -> Said:
    return said("{cell} is not {right}", cell=cell, right=Word(right, "cell"))


def empty(right: str) -> Said:
    return said("it is empty, and has to hold {right}", right=Word(right, "cell"))


def repeated(line: object) -> Said:
    return said("it stands on line {line} too", line=line)


def no_entity(code: str) -> Said:
    return said("there is no entity {entity}", entity=code)


def no_place(code: str) -> Said:
    return said("there is no place {place}", place=code)


def not_of_holder(place: str, owner: str, holder: str) -> Said:
    return said(
        "{place} is a place of {owner}, not of {holder}", place=place, owner=owner, holder=holder
    )


def imported_otherwise(inventory: str, holder: str, before: str) -> Said:
    return said(
        "{inventory} of {holder} was imported with {before}",
        inventory=inventory,
        holder=holder,
        before=before,
    )


def entered_otherwise(entity: str, before: str) -> Said:
    return said("{entity} is in the register with {before}", entity=entity, before=before)


def taken(value: object, entity: str) -> Said:
    return said("{value} is that of {entity}", value=value, entity=entity)


_KEPT = (
    *(under_no_heading("", ""), not_right("", ""), empty(""), repeated("")),
    *(no_entity(""), no_place(""), not_of_holder("", "", "")),
    *(imported_otherwise("", "", ""), entered_otherwise("", ""), taken("", "")),
)
_FORMS = Forms(
    (each.message for each in _KEPT),
    words={"right": "cell"},
    patterns={
        "cell": r"'.*'|\".*\"",
        "right": "|".join(map(re.escape, sorted(RIGHT))),
        "inventory": ".+",
        "before": ".+",
    },
)


def read_back(what: str) -> Said | None:
    """None where it has none of these forms."""
    return _FORMS.read(what)
