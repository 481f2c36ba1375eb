"""What was told of articles while they were counted: which came to a place, and which left it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from central.register.articles.rules import PUT_IN, TAKEN_OUT, Article
from central.register.stock.compare import Step
from central.register.stock.models import AT_HAND

_STAY = frozenset({*PUT_IN, *TAKEN_OUT, "seen"})
"""Events that say nothing of where a thing is."""
# Acts are read up to the one that is carried out: when they are repeated, later ones stand there.
_TOLD = text("""
    SELECT t.article, e.version, e.happened AS at, e.number AS event, e.what,
        t.after AS disposition, e.place
    FROM event_article t JOIN event e ON e.version = t.version
    WHERE t.article = ANY(:codes) AND t.version > :after AND t.version < :before
        AND t.verdict = 'ok'
    UNION ALL
    SELECT c.key, c.id, c.at, '', c.what, c.payload->>'disposition', c.payload->>'place'
    FROM act c WHERE c.subject = 'article' AND c.key = ANY(:codes) AND c.id > :after
        AND c.id < :before
    UNION ALL
    SELECT l.code, l.brought, c.at, l.import_number, 'entered', a.disposition, a.place
    FROM legacy l JOIN act c ON c.id = l.brought JOIN article a ON a.code = l.code
    WHERE l.code = ANY(:codes) AND l.brought > :after AND l.brought < :before
    ORDER BY 1, 2
""")


def steps(
    connection: Connection,
    articles: Mapping[str, Article],
    expected: Collection[str],
    places: Collection[str],
    after: int,
    before: int,
) -> dict[str, tuple[Step, ...]]:
    """By code, in the order in which the register learned of them between the two acts."""
    rows: dict[str, list[Row[Any]]] = {}
    told = {"codes": list(articles), "after": after, "before": before}
    for row in connection.execute(_TOLD, told):
        rows.setdefault(row.article, []).append(row)
    return {
        code: tuple(_steps(each, articles[code], code in expected, places))
        for code, each in rows.items()
    }


def is_here(article: Article, places: Collection[str]) -> bool:
    """Whether it lies at one of the places, as the register has it."""
    return article.disposition in AT_HAND and article.place in places


def _steps(
    rows: Sequence[Row[Any]], article: Article, here: bool, places: Collection[str]
) -> Iterable[Step]:
    for row in rows:
        if row is rows[-1]:
            here = is_here(article, places)
        elif row.what not in _STAY:
            here = row.disposition in AT_HAND and row.place in places
        yield Step(row.at, row.event, here)
