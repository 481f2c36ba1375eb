"""How a count's acts become rows: what was expected, what each tally saw, what came of it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from central import schema
from central.errors import Conflict, NotFound
from central.register.acts import Act
from central.register.articles.rules import Article
from central.register.stock import lines
from central.register.stock.compare import Quantity, Thing, judge, judge_quantity, seen
from central.register.stock.lines import L, Line, QuantityLine, key_of
from central.register.stock.meanwhile import is_here, steps
from central.register.stock.models import AT_HAND, DIFFERENCES, RESOLVES, Oddity
from central.register.stock.rules import TALLIES, Count, apply
from central.register.subject import Subject
from central.said import Word, counting, said

MOST_NAMED = 10
"""So many articles are named where a request is refused."""


@dataclass(frozen=True)
class _Counts(Subject[Count]):
    """Its lines are rows that hang on it, of which an act changes only those that it names."""

    def project(self, connection: Connection, act: Act) -> Count:
        """Raises `Conflict` or `NotFound`."""
        count = super().project(connection, act)
        match act.what:
            case "opened":
                lines.expect(connection, act.key, act.payload["expected"])
                lines.save(connection, act.key, _lots(act))
            case "scanned":
                _scan(connection, act)
            case "compared":
                _compare(connection, count, act)
            case "looked again":
                _look_again(connection, count, act)
            case "differences resolved":
                _resolve(connection, act)
            case "closed":
                _require_none_open(connection, act.key)
        return count


COUNT = _Counts("count", schema.counts, Count, apply, key=("number",))


def _lots(act: Act) -> list[QuantityLine]:
    """Lots that look alike are one: who counts cannot tell them apart."""
    found: dict[str, QuantityLine] = {}
    for told in act.payload["lots"]:
        key = key_of(told["product"], told["lot"])
        line = found.get(key, QuantityLine(key=key, product=told["product"], lot=told["lot"]))
        found[key] = line.model_copy(
            update={
                "expected": line.expected + told["pieces"],
                "articles": (*line.articles, *told["articles"]),
            }
        )
    return list(found.values())


def _scan(connection: Connection, act: Act) -> None:
    told, at = act.payload, datetime.fromisoformat(act.payload["at"])
    lines.scan(connection, act.key, told["tally"], told["scans"], at, act.id)
    name = "first" if told["tally"] == 1 else "second"
    lines.save(connection, act.key, _counted(connection, act, name))


def _counted(connection: Connection, act: Act, name: str) -> list[QuantityLine]:
    """The quantities that an act tells, each in its line."""
    if not act.payload["pieces"]:
        return []
    known = lines.quantities_of(connection, act.key)
    found: dict[str, QuantityLine] = {}
    for told in act.payload["pieces"]:
        key = key_of(told["product"], told["lot"])
        line = known.get(key) or QuantityLine(key=key, product=told["product"], lot=told["lot"])
        found[key] = line.model_copy(update={name: told["pieces"]})
    return list(found.values())


# --- comparing ------------------------------------------------------------------------------


def _compare(connection: Connection, count: Count, act: Act) -> None:
    known = lines.articles_of(connection, act.key)
    first, second = (seen(lines.scans_of(connection, act.key, tally)) for tally in TALLIES)
    found = {
        code: known.get(code, Line(code=code, expected=False)).model_copy(
            update={"first": first.get(code), "second": second.get(code)}
        )
        for code in sorted({*known, *first, *second})
    }
    lines.save(connection, act.key, _judged(connection, count, act, found.values()))
    quantities = lines.quantities_of(connection, act.key).values()
    lines.save(connection, act.key, _weighed(connection, count, act, quantities))


def _judged(
    connection: Connection, count: Count, act: Act, found: Iterable[Line]
) -> Iterable[Line]:
    """Each with its result, and with what the register has of it now."""
    lines_of = {line.code: line for line in found}
    articles = _articles(connection, lines_of)
    expected = {line.code for line in lines_of.values() if line.expected}
    told = steps(connection, articles, expected, count.places, _opened(count), act.id)
    marked = lines.marked_of(connection, act.key)
    for code, line in lines_of.items():
        article = articles.get(code)
        since = told.get(code, ())
        was_here = article is not None and is_here(article, count.places) and not since
        result, event = judge(
            Thing(
                line.expected, line.expected or was_here, line.first, line.second, line.third, since
            )
        )
        change: dict[str, object] = {"result": result, "event": event, "oddity": None}
        if article is not None:
            change |= {name: getattr(article, name) for name in _NOW}
            change |= {} if line.expected else {name: getattr(article, name) for name in _WHAT}
        if result == "unexpected" or (result == "disagreed" and not line.expected):
            change["oddity"] = _oddity(article, count, marked.get(code, ""))
        yield line.model_copy(update=change)


_NOW = ("disposition", "holder", "place")
_WHAT = ("kind", "product", "lot", "package")


def _opened(count: Count) -> int:
    assert count.opened is not None  # nothing is compared before
    return count.opened


def _articles(connection: Connection, codes: Collection[str]) -> dict[str, Article]:
    table = schema.article
    rows = connection.execute(select(table).where(table.c.code == func.any(list(codes))))
    return {row.code: Article.model_validate(row) for row in rows}


def _oddity(article: Article | None, count: Count, marked: str) -> Oddity:
    """Why it is not expected."""
    if article is None:
        known: Mapping[str, Oddity] = {
            "good": "never-stored",
            "doubtful": "not-good",
            "ambiguous": "ambiguous",
        }
        return known.get(marked, "unknown")
    if article.disposition == "in-transit" or article.disposition == "in-use":
        return article.disposition
    if article.disposition not in AT_HAND:
        return "gone"
    return "elsewhere" if article.holder == count.entity else "other-holder"


def _weighed(
    connection: Connection, count: Count, act: Act, found: Iterable[QuantityLine]
) -> Iterable[QuantityLine]:
    """Each with its result; lots that came or left meanwhile count as they do now."""
    of = list(found)
    articles = _articles(connection, {code for line in of for code in line.articles})
    told = steps(connection, articles, articles, count.places, _opened(count), act.id)
    left = [code for code, since in told.items() if not since[-1].here]
    table = schema.legacy
    pieces = {
        row.code: row.quantity
        for row in connection.execute(
            select(table.c.code, table.c.quantity).where(table.c.code.in_(left))
        )
    }
    for line in of:
        now = line.expected - sum(pieces.get(code, 0) for code in line.articles)
        told_of = Quantity(line.expected, now, line.first, line.second, line.third)
        yield line.model_copy(update={"result": judge_quantity(told_of)})


# --- after it -------------------------------------------------------------------------------


def _look_again(connection: Connection, count: Count, act: Act) -> None:
    looked = dict.fromkeys(act.payload["seen"], True) | dict.fromkeys(
        act.payload["not_seen"], False
    )
    known = lines.articles_of(connection, act.key, looked)
    again = [
        _required(known, code, act, ("missing", "disagreed")).model_copy(update={"third": there})
        for code, there in looked.items()
    ]
    lines.save(connection, act.key, _judged(connection, count, act, again))
    quantities = _counted(connection, act, "third")
    standing = lines.quantities_of(connection, act.key)
    for line in quantities:
        _required(standing, line.key, act, DIFFERENCES)
    lines.save(connection, act.key, _weighed(connection, count, act, quantities))


def _resolve(connection: Connection, act: Act) -> None:
    resolution = act.payload["resolution"]
    change = {"resolution": resolution, "remark": act.reason}
    known = lines.articles_of(connection, act.key, act.payload["articles"])
    lines.save(
        connection,
        act.key,
        [
            _required(known, code, act, RESOLVES[resolution]).model_copy(
                update=change | {"reference": act.payload["reference"]}
            )
            for code in act.payload["articles"]
        ],
    )
    standing = lines.quantities_of(connection, act.key)
    keys = [key_of(told["product"], told["lot"]) for told in act.payload["lots"]]
    lines.save(
        connection,
        act.key,
        [
            _required(standing, key, act, RESOLVES[resolution]).model_copy(update=change)
            for key in keys
        ],
    )


def _required(known: Mapping[str, L], key: str, act: Act, results: Collection[str]) -> L:
    """Raises `NotFound`, or `Conflict` where it makes no such difference that stands."""
    line = known.get(key)
    if line is None:
        raise NotFound(said("count {number} has no {line}", number=act.key, line=key))
    if line.resolution is not None or line.result not in results:
        told = line.resolution or line.result
        raise Conflict(
            said(
                "{line} is {told} in count {number}; not to be {act}",
                line=key,
                told=Word(told, "value"),
                number=act.key,
                act=Word(act.what, "act"),
            )
        )
    return line


def _require_none_open(connection: Connection, number: str) -> None:
    found = [line.code for line in lines.articles_of(connection, number).values() if line.is_open]
    found += [
        f"{line.product} {line.lot}".strip()
        for line in lines.quantities_of(connection, number).values()
        if line.is_open
    ]
    if found:
        few = ", ".join(found[:MOST_NAMED])
        raise Conflict(
            counting(
                len(found),
                "count {number}: {n} difference stands, as of {few}",
                "count {number}: {n} differences stand, as of {few}",
                number=number,
                few=few,
            )
        )
