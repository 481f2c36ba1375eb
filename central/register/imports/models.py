"""A row of each kind of file, a refusal of one, and the words of an import."""

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from central.register.asked import Asked, Code, Name
from central.register.entities.models import NewEntity
from central.register.identifiers import Country

ImportKind = Literal["articles", "entities", "lots"]
ImportState = Literal["open", "complete"]
FaultCode = Literal["missing", "malformed", "not-found", "not-of-holder", "repeated", "conflict"]

ADVICE: Mapping[FaultCode, str] = {
    "missing": "Fill in the cell.",
    "malformed": "Write it in the form that is named.",
    "not-found": "Enter it first, or correct its code.",
    "not-of-holder": "Name a place of the holder's, or leave the cell empty.",
    "repeated": "Give each row what is its own, or take one of the two away.",
    "conflict": "Look at what the register holds; correct the row, or what was entered before.",
}
"""By the code of a refusal, what to do."""

FIRST_YEAR, LAST_YEAR = 1800, 2100
MOST_PIECES = 10**12


class Fault(BaseModel):
    """Why a row was refused. `line` is the file's, counted from 1; `column` is its heading as it
    stands in the file, `position` which one that is: 0, and no heading, for the row as a whole."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    line: int
    column: str
    position: int
    code: FaultCode
    what: str


class NewImport(Asked):
    """A file that is to be taken in: under a number that stays, of rows of one kind."""

    number: Code
    kind: ImportKind
    file: Name
    reason: Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f]*$")] = ""


def _whole(value: object) -> object:
    """Digits alone: 1e3, 1_000 and 1000.0 are no spelling of a number in a cell."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,15}", value):
        raise ValueError("digits alone")
    return value


_DISPOSITIONS = {"në depo": "in-store", "ne depo": "in-store"} | {
    "në përdorim": "in-use",
    "ne perdorim": "in-use",
}


def _disposition(value: object) -> object:
    return _DISPOSITIONS.get(value.casefold(), value) if isinstance(value, str) else value


Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Year = Annotated[int, BeforeValidator(_whole), Field(ge=FIRST_YEAR, le=LAST_YEAR)]
Pieces = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=MOST_PIECES)]
Whereabouts = Annotated[Literal["in-store", "in-use"], BeforeValidator(_disposition)]


class Stock(Asked):
    """What weapons and lots have in common. `inventory` is the number under which the holder keeps
    it: with it a row is known again, whatever else is equal. `marks`: all that is engraved."""

    KIND: ClassVar[str]
    inventory: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
    maker: Name
    model: Name
    calibre: Text = ""
    marks: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x1f]*$")] = ""
    year: Year | None = None
    country: Country | None = None
    holder: Code
    place: Code | None = None
    disposition: Whereabouts

    @cached_property
    def code(self) -> str:
        """The article's own: what the holder keeps under one inventory number is one thing, in
        whatever file and on whatever line it stands."""
        text = "\n".join((self.KIND, self.holder, self.inventory))
        return "LG-" + base64.b32encode(hashlib.sha256(text.encode()).digest()[:10]).decode()


class StockArticle(Stock):
    """A weapon that was marked before there was a register."""

    KIND: ClassVar = "article"
    serial: Name


class StockLot(Stock):
    """A lot of ammunition that was made before there was a register: so many pieces of it."""

    KIND: ClassVar = "lot"
    lot: Name
    quantity: Pieces


Sheet: TypeAlias = StockArticle | StockLot | NewEntity
MODELS: Mapping[ImportKind, type[StockArticle] | type[StockLot] | type[NewEntity]] = {
    "articles": StockArticle,
    "lots": StockLot,
    "entities": NewEntity,
}
