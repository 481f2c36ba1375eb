"""The statistics: counts of what the public registers say, of inspections and of sanctions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, TextClause, text

from central.public.disclosure import of_enough
from central.public.models import (
    ALL,
    EntityStanding,
    Figure,
    LicenceStanding,
    PublicEntity,
    PublicLicence,
    Table,
)
from central.register.entities.models import EntityKind
from central.register.exclusions.models import ExclusionKind, Ground
from central.register.licences.terms import Activity
from central.register.products.models import Kind as ProductKind
from central.register.sanctions.models import SanctionKind

Result = Literal["in-order", "faults"]
"""`faults`: a line of the checklist was at fault, something was found, or a measure was ordered."""
COLUMNS: Mapping[Table, tuple[str, ...]] = {
    "entities": (*get_args(EntityStanding), ALL),
    "licences": (*get_args(LicenceStanding), ALL),
    "exclusions": get_args(ExclusionKind),
    "inspections": (*get_args(Result), ALL),
    "sanctions": (*get_args(SanctionKind), ALL),
    "marks": (*get_args(ProductKind), ALL),
}
NONE = "none"
"""The row of entities that no kind is named of."""
_ROWS: Mapping[Table, tuple[str, ...]] = {
    "entities": (*get_args(EntityKind), NONE),
    "licences": get_args(Activity),
    "exclusions": get_args(Ground),
}
ZONE = "Europe/Tirane"
# A result, or a measure, that comes when the year is over would change what is told of it by one.
_INSPECTIONS = text(
    "SELECT year, entity, CASE WHEN cardinality(findings) > 0"  # noqa: S608
    '   OR checklist @> \'[{"result": "fault"}]\'::jsonb'
    "   OR EXISTS (SELECT 1 FROM act m WHERE m.subject = 'inspection' AND m.key = made.number"
    "    AND m.what = 'measures ordered'"
    f"    AND extract(year FROM m.at AT TIME ZONE '{ZONE}')::int = year)"
    "  THEN 'faults' ELSE 'in-order' END AS what, count(*) AS number"
    " FROM (SELECT i.number, i.entity, i.findings, i.checklist,"
    f"   extract(year FROM f.at AT TIME ZONE '{ZONE}')::int AS year"
    "   FROM inspection i JOIN act f ON f.subject = 'inspection' AND f.key = i.number"
    "    AND f.what = 'found' WHERE f.at < :until) made"
    " GROUP BY 1, 2, 3"
)
_SANCTIONS = text(
    f"SELECT extract(year FROM imposed AT TIME ZONE '{ZONE}')::int AS year, entity,"  # noqa: S608
    " kind AS what, count(*) AS number FROM sanction WHERE imposed < :until GROUP BY 1, 2, 3"
)


def year_begins(now: datetime) -> datetime:
    """The year that runs: of what was done in it nothing is told, since two looks around a day
    that somebody knows of would tell what was done on it."""
    zone = ZoneInfo(ZONE)
    return datetime(now.astimezone(zone).year, 1, 1, tzinfo=zone)


def of_entities(entities: Iterable[PublicEntity]) -> Iterator[Figure]:
    """By kind; one of two kinds is in both rows, and once among all."""
    yield from _public("entities", [(each.kinds or (NONE,), each.standing) for each in entities])


def of_licences(licences: Iterable[PublicLicence]) -> Iterator[Figure]:
    """By activity; likewise."""
    yield from _public("licences", [(each.activities, each.standing) for each in licences])


def of_exclusions(excluded: Sequence[tuple[Ground, ExclusionKind]]) -> Iterator[Figure]:
    """Those in force. Persons are one number, whatever the ground, and told of nowhere else."""
    for each in _public("exclusions", [((ground,), kind) for ground, kind in excluded]):
        withheld = each.column == "person" and each.row != ALL
        yield each.model_copy(update={"count": None}) if withheld else each


def of_inspections(connection: Connection, now: datetime) -> Iterator[Figure]:
    """Those that were made, by the year of their result, which is over."""
    yield from _by_year(connection, "inspections", _INSPECTIONS, now)


def of_sanctions(connection: Connection, now: datetime) -> Iterator[Figure]:
    """Those that were imposed in years that are over, whether lifted since or not."""
    yield from _by_year(connection, "sanctions", _SANCTIONS, now)


def _public(table: Table, facts: Sequence[tuple[Sequence[str], str]]) -> Iterator[Figure]:
    """What is counted in a register that everybody may read."""
    counts = Counter((row, what) for rows, what in facts for row in (*rows, ALL))
    for row in (*_ROWS[table], ALL):
        for column in COLUMNS[table]:
            count = counts[row, column] if column != ALL else _sum(counts, row)
            yield Figure(table=table, row=row, column=column, count=count)


def _sum(counts: Counter[tuple[str, str]], row: str) -> int:
    return sum(count for (of, _), count in counts.items() if of == row)


def _by_year(
    connection: Connection, table: Table, query: TextClause, now: datetime
) -> Iterator[Figure]:
    """A year is told where enough entities stand behind it."""
    counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    entities: defaultdict[int, set[str]] = defaultdict(set)
    for row in connection.execute(query, {"until": year_begins(now)}):
        counts[row.year][row.what] += row.number
        entities[row.year].add(row.entity)
    for year in sorted(counts, reverse=True):
        for column in COLUMNS[table]:
            count = counts[year].total() if column == ALL else counts[year][column]
            told = of_enough(len(entities[year]), count)
            yield Figure(table=table, row=str(year), column=column, count=told)
