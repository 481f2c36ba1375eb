"""What readers gave and people typed, as the articles that it names; many at once."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from central import schema
from central.register.articles.births import born
from central.register.articles.symbols import Symbol, read
from central.register.imports.marks import looks

_LIKE, _AS = "OI ", "01"
"""As the search folds: letters that are taken for digits, spaces that come and go."""


@dataclass(frozen=True)
class Named:
    """The article that a text names. `marked`: of what no event has told, `good` or `doubtful`;
    `ambiguous` where the text names several, and then `code` is the text."""

    code: str
    marked: str = ""


def resolve(connection: Connection, texts: Collection[str], holder: str) -> dict[str, Named]:
    """By text. What names nothing stands for itself; of several, that of the holder is meant."""
    symbols = {text: read(text) for text in texts}
    plain = {text: symbol.text or text for text, symbol in symbols.items()}
    wanted = {text: list(_names(symbol)) for text, symbol in symbols.items()}
    found: dict[str, Named] = {}
    _take(found, wanted, _by_code(connection, _all(wanted)))
    for look in (_by_mark, _by_folded):
        left = {text: [plain[text]] for text in texts if text not in found}
        if left:
            _take(found, left, look(connection, _all(left), holder))
    known = {each.code for each in found.values() if not each.marked}
    fresh = born(connection, sorted(known - _with_a_row(connection, known)))
    return {text: _told(found.get(text, Named(plain[text])), fresh.get) for text in texts}


def _told(named: Named, fresh: Callable[[str], Any]) -> Named:
    each = None if named.marked else fresh(named.code)
    return named if each is None else Named(named.code, "good" if each.good else "doubtful")


def _names(symbol: Symbol) -> Iterable[str]:
    """What a text may be the code of, the likeliest first."""
    yield from dict.fromkeys(filter(None, (symbol.text, symbol.code, symbol.elements)))


def _all(wanted: Mapping[str, list[str]]) -> list[str]:
    return sorted({name for names in wanted.values() for name in names})


def _take(
    found: dict[str, Named], wanted: Mapping[str, list[str]], named: Mapping[str, Named]
) -> None:
    for text, names in wanted.items():
        hit = next((named[name] for name in names if name in named), None)
        if hit is not None:
            found[text] = hit if hit.code else Named(text, hit.marked)


def _by_code(connection: Connection, names: list[str]) -> dict[str, Named]:
    """Codes of articles, and UIIs and elements of what was marked."""
    item = schema.item
    found = {code: Named(code) for code in _with_a_row(connection, names)}
    for column in (item.c.uii, item.c.elements):
        rows = connection.execute(
            select(column.label("name"), item.c.uii).where(column.in_(names)).distinct()
        )
        for row in rows:
            found.setdefault(row.name, Named(row.uii))
    return found


def _with_a_row(connection: Connection, codes: Collection[str]) -> set[str]:
    table = schema.article
    rows = connection.execute(select(table.c.code).where(table.c.code.in_(list(codes))))
    return set(rows.scalars())


def _by_mark(connection: Connection, names: list[str], holder: str) -> dict[str, Named]:
    """Serial numbers, and inventory numbers of stock of before, as they stand there."""
    item, legacy, article = schema.item, schema.legacy, schema.article
    rows = list(_items(connection, item.c.serial, names))
    for column in (legacy.c.inventory, article.c.serial):
        rows += connection.execute(
            select(column.label("name"), legacy.c.code, article.c.holder)
            .join(article, article.c.code == legacy.c.code)
            .where(column.in_(names))
        ).all()
    return _unique(rows, holder)


def _by_folded(connection: Connection, names: list[str], holder: str) -> dict[str, Named]:
    """What looks the same where people copy a number."""
    item, legacy, article = schema.item, schema.legacy, schema.article
    folds: dict[str, list[str]] = {}
    for name in names:
        folds.setdefault(name.upper().translate(str.maketrans("OI", "01", " ")), []).append(name)
    rows = [
        row
        for column in (item.c.uii, item.c.serial)
        for row in _items(connection, func.translate(func.upper(column), _LIKE, _AS), list(folds))
    ]
    looked: dict[str, list[str]] = {}
    for name in names:
        looked.setdefault(looks(name), []).append(name)
    looked.pop("", None)
    before = connection.execute(
        select(legacy.c.number.label("name"), legacy.c.code, article.c.holder)
        .join(article, article.c.code == legacy.c.code)
        .where(legacy.c.number.in_(list(looked)))
    ).all()
    found = {name: hit for fold, hit in _unique(before, holder).items() for name in looked[fold]}
    return found | {
        name: hit for fold, hit in _unique(rows, holder).items() for name in folds[fold]
    }


def _items(connection: Connection, column: ColumnElement[Any], names: list[str]) -> Iterable[Any]:
    """Marked items by a column, each with who has it, or has made it where no event has told."""
    item, article, orders, product = schema.item, schema.article, schema.orders, schema.product
    return connection.execute(
        select(
            column.label("name"),
            item.c.uii.label("code"),
            func.coalesce(article.c.holder, product.c.entity).label("holder"),
        )
        .join(orders, orders.c.code == item.c.order_code)
        .join(product, product.c.code == orders.c.product)
        .outerjoin(article, article.c.code == item.c.uii)
        .where(column.in_(names))
        .distinct()
    ).all()


def _unique(rows: Iterable[Any], holder: str) -> dict[str, Named]:
    """The one of each name; where there are several, the holder's one."""
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row.name, {})[row.code] = row.holder
    named = {}
    for name, codes in found.items():
        theirs = [code for code, of in codes.items() if of == holder]
        likely = list(codes) if len(codes) == 1 else theirs
        named[name] = Named(likely[0]) if len(likely) == 1 else Named("", "ambiguous")
    return named
