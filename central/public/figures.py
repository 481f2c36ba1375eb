"""The statistics: counts of what the public registers say, of inspections and of sanctions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, get_args

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
    "exclusions": (*get_args(ExclusionKind), ALL),
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
_INSPECTIONS = text(
    f"SELECT extract(year FROM i.begun AT TIME ZONE '{ZONE}')::int AS year, i.entity,"  # noqa: S608
    " CASE WHEN cardinality(i.findings) > 0"
    '   OR i.checklist @> \'[{"result": "fault"}]\'::jsonb'
    "   OR EXISTS (SELECT 1 FROM measure m WHERE m.inspection = i.number)"
    "  THEN 'faults' ELSE 'in-order' END AS what, count(*) AS number"
    " FROM inspection i WHERE i.state IN ('found', 'closed') AND i.begun IS NOT NULL"
    " GROUP BY 1, 2, 3"
)
_SANCTIONS = text(
    f"SELECT extract(year FROM imposed AT TIME ZONE '{ZONE}')::int AS year, entity,"  # noqa: S608
    " kind AS what, count(*) AS number FROM sanction GROUP BY 1, 2, 3"
)


def of_entities(entities: Iterable[PublicEntity]) -> Iterator[Figure]:
    """By kind; one of two kinds is in both rows, and once among all."""
    yield from _public("entities", [(each.kinds or (NONE,), each.standing) for each in entities])


def of_licences(licences: Iterable[PublicLicence]) -> Iterator[Figure]:
    """By activity; likewise."""
    yield from _public("licences", [(each.activities, each.standing) for each in licences])


def of_exclusions(excluded: Sequence[tuple[Ground, ExclusionKind]]) -> Iterator[Figure]:
    """Those in force. Persons are counted here, and told of nowhere else."""
    yield from _public("exclusions", [((ground,), kind) for ground, kind in excluded])


def of_inspections(connection: Connection) -> Iterator[Figure]:
    """Those that were made, by the year in which they began."""
    yield from _by_year(connection, "inspections", _INSPECTIONS)


def of_sanctions(connection: Connection) -> Iterator[Figure]:
    """Those that were imposed, whether lifted since or not."""
    yield from _by_year(connection, "sanctions", _SANCTIONS)


def _public(table: Table, facts: Sequence[tuple[Sequence[str], str]]) -> Iterator[Figure]:
    """What anybody can count in a register that everybody may read; nothing is withheld."""
    counts = Counter((row, what) for rows, what in facts for row in (*rows, ALL))
    for row in (*_ROWS[table], ALL):
        for column in COLUMNS[table]:
            count = counts[row, column] if column != ALL else _sum(counts, row)
            yield Figure(table=table, row=row, column=column, count=count)


def _sum(counts: Counter[tuple[str, str]], row: str) -> int:
    return sum(count for (of, _), count in counts.items() if of == row)


def _by_year(connection: Connection, table: Table, query: TextClause) -> Iterator[Figure]:
    """A year is told where enough entities stand behind it."""
    counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    entities: defaultdict[int, set[str]] = defaultdict(set)
    for row in connection.execute(query):
        counts[row.year][row.what] += row.number
        entities[row.year].add(row.entity)
    for year in sorted(counts, reverse=True):
        for column in COLUMNS[table]:
            count = counts[year].total() if column == ALL else counts[year][column]
            told = of_enough(len(entities[year]), count)
            yield Figure(table=table, row=str(year), column=column, count=told)
