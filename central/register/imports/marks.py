"""When marks could be taken for each other, by whoever reads them from metal or from paper."""

import unicodedata

from central.register.imports.models import StockArticle, StockLot

_LIKE = str.maketrans("oi", "01")


def looks(text: str) -> str:
    """Letters and digits alone, without case and without marks; O is as 0, I as 1."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in plain if c.isalnum()).translate(_LIKE)


def number(row: StockArticle | StockLot) -> str | None:
    """How its serial looks, or its lot; None where none can be read."""
    return looks(row.lot if isinstance(row, StockLot) else row.serial) or None


def folded(row: StockArticle | StockLot) -> str | None:
    """Equal for marks that could be taken for the same: of maker, model, and serial or lot. Of what
    cannot be read nothing is equal."""
    last = number(row)
    return None if last is None else "/".join((looks(row.maker), looks(row.model), last))
