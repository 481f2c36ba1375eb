"""The columns of a file: their headings in English and Albanian, and what is right in each."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from central.errors import Refused
from central.register.imports.models import FIRST_YEAR, LAST_YEAR, MODELS, ImportKind
from central.register.imports.tabular import Line
from central.said import said


@dataclass(frozen=True)
class Column:
    """`heads` besides the field's own name; `right`: what a cell holds, as a refusal says it."""

    field: str
    heads: tuple[str, ...]
    right: str


_NAME = "a text of 1 to 200 characters"
_STOCK = (
    Column(
        "inventory",
        ("inventory number", "inventari", "numri i inventarit", "nr inventarit"),
        "a text of 1 to 100 characters",
    ),
    Column("maker", ("manufacturer", "prodhuesi"), _NAME),
    Column("model", ("type", "modeli", "tipi"), _NAME),
    Column("calibre", ("caliber", "kalibri"), "a text of at most 200 characters"),
    Column(
        "marks",
        ("marks as engraved", "shenjimi", "shenjat", "shenjat e gdhendura"),
        "a text of at most 1000 characters",
    ),
    Column(
        "year",
        ("year of manufacture", "viti", "viti i prodhimit"),
        f"a year from {FIRST_YEAR} to {LAST_YEAR}, as 1974",
    ),
    Column(
        "country",
        ("country of manufacture", "vendi i prodhimit", "shteti"),
        "two capital letters of ISO 3166, as AL",
    ),
    Column("holder", ("holder code", "mbajtesi", "subjekti"), "the code of an entity"),
    Column("place", ("place code", "vendndodhja", "magazina"), "the code of a place"),
    Column(
        "disposition",
        ("state", "gjendja"),
        "in-store (në depo) or in-use (në përdorim)",
    ),
)
COLUMNS: Mapping[ImportKind, Sequence[Column]] = {
    "articles": (
        *_STOCK,
        Column("serial", ("serial number", "numri i serise", "nr serise", "seria"), _NAME),
    ),
    "lots": (
        *_STOCK,
        Column("lot", ("lot number", "loti", "numri i lotit", "partia"), _NAME),
        Column("quantity", ("pieces", "sasia", "cope"), "a whole number from 1, as 12000"),
    ),
    "entities": (
        Column(
            "code",
            ("entity code", "kodi"),
            "1 to 60 letters, digits, dots, hyphens or underscores",
        ),
        Column("name", ("entity name", "emri"), _NAME),
        Column(
            "kinds",
            ("kind", "lloji", "llojet"),
            "producer, trader, broker, carrier, store, repairer, research or state-institution,"
            " each once, with a blank between",
        ),
        Column("ncage", ("cage", "kodi ncage"), "an NCAGE of five characters"),
        Column(
            "tax_number",
            ("tax number", "nipt", "nuis"),
            "a NIPT: a letter, eight digits, a letter",
        ),
        Column("gs1_prefix", ("gs1 company prefix", "prefiksi gs1"), "4 to 12 digits"),
    ),
}


RIGHT = frozenset(column.right for columns in COLUMNS.values() for column in columns)


@dataclass(frozen=True)
class Heads:
    """The headings of one file. `fields` by position from 0; None where there is no heading."""

    fields: tuple[Column | None, ...]
    titles: tuple[str, ...]

    def where(self, field: str) -> tuple[str, int]:
        """A field's heading and position, counted from 1. A field that the file has not: 0."""
        for at, column in enumerate(self.fields):
            if column is not None and column.field == field:
                return self.titles[at], at + 1
        return field, 0

    def right(self, field: str) -> str:
        return next((each.right for each in self.fields if each and each.field == field), "")


def heads(kind: ImportKind, line: Line) -> Heads:
    """Raises `Refused` for a heading that is none, stands twice, or lacks."""
    known = {
        _plain(name): column
        for column in COLUMNS[kind]
        for name in (column.field, column.field.replace("_", " "), *column.heads)
    }
    found: list[Column | None] = []
    for at, cell in enumerate(line.cells, start=1):
        column = known.get(_plain(cell))
        if column is None and cell:
            names = ", ".join(each.field for each in COLUMNS[kind])
            raise Refused(
                said(
                    "line {line}, column {column}: {cell} is no heading; there are {names}",
                    line=line.number,
                    column=at,
                    cell=repr(cell[:60]),
                    names=names,
                )
            )
        if column is not None and column in found:
            raise Refused(
                said(
                    "line {line}, column {column}: {cell} stands a second time",
                    line=line.number,
                    column=at,
                    cell=repr(cell),
                )
            )
        found.append(column)
    lacking = [
        name
        for name, field in MODELS[kind].model_fields.items()
        if field.is_required() and name not in {each.field for each in found if each}
    ]
    if lacking:
        raise Refused(
            said(
                "line {line}: there is no column {names}",
                line=line.number,
                names=", ".join(lacking),
            )
        )
    return Heads(tuple(found), line.cells)


def _plain(text: str) -> str:
    """Without case, marks, and what is neither a letter nor a digit."""
    parts = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(c for c in parts if unicodedata.category(c) != "Mn")
    return " ".join("".join(c if c.isalnum() else " " for c in letters).split())
