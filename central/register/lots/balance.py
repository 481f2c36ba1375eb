"""The balance of a lot: every piece that was filled or found, in the one term that holds it now.

filled + found = loose + packed + sampled + consumed + destroyed + reworked + used + lost. Each is
counted from rows of its own: of movements, of components, of the marks of packages. `loose` alone
is what remains, and may not be less than nothing.
"""

from collections.abc import Collection, Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, text

from central.register.lots.models import MovementKind
from central.register.lots.packages import PIECES, UNPACKED

PLACES: Mapping[str, str] = {
    "in-transit": "packed_in_transit",
    "exported": "packed_exported",
    "in-use": "packed_in_use",
    "seized": "packed_seized",
    "lost": "packed_missing",
    "stolen": "packed_missing",
    "deactivated": "packed_destroyed",
    "demilitarised": "packed_destroyed",
    "destroyed": "packed_destroyed",
}
"""By the disposition of a package, the count that it stands in; else `packed_in_stock`."""

_MOVED = text(
    "SELECT lot, what, sum(quantity) AS pieces FROM lot_movement WHERE stands"
    " AND (CAST(:codes AS text[]) IS NULL OR lot = ANY(:codes)) GROUP BY lot, what"
)
_USED = text(
    "SELECT component AS lot, sum(quantity) AS pieces FROM lot_component"
    " WHERE component IS NOT NULL AND quantity IS NOT NULL"
    " AND (CAST(:codes AS text[]) IS NULL OR component = ANY(:codes)) GROUP BY component"
)
_FLAGGED = text(
    "SELECT code AS lot, flagged FROM lot"
    " WHERE CAST(:codes AS text[]) IS NULL OR code = ANY(:codes)"
)
# What was rejected or scrapped, or may not be on metal, is packed anew under another number.
_PACKED = (
    "SELECT l.code AS lot, CASE WHEN a.disposition IS NOT NULL THEN a.disposition"
    "   WHEN i.state = 'good' THEN 'commissioned' ELSE 'at-line' END AS place,"
    "  sum({pieces}) AS pieces"
    " FROM lot l JOIN orders o ON o.product = l.product AND o.lot = l.number"
    "  AND o.kind = 'package'"
    " JOIN item i ON i.order_code = o.code AND i.state IN ('open', 'marked', 'good')"
    " LEFT JOIN article a ON a.code = i.uii"
    " WHERE (CAST(:codes AS text[]) IS NULL OR l.code = ANY(:codes)) AND NOT {unpacked}"
    " GROUP BY 1, 2"
)
_IN_PACKAGES = text(_PACKED.format(pieces=PIECES, unpacked=UNPACKED))


class LotBalance(BaseModel):
    """A lot's pieces. `packed` is the sum of what stands below it, by where the packages are."""

    model_config = ConfigDict(frozen=True)

    filled: int
    found: int
    loose: Annotated[int, Field(description="less than nothing: more was told of than there was")]
    packed: int
    packed_at_line: Annotated[int, Field(description="being marked, or not yet read back")]
    packed_in_stock: int
    packed_in_transit: int
    packed_exported: int
    packed_in_use: int
    packed_seized: int
    packed_missing: Annotated[int, Field(description="in packages that are lost or stolen")]
    packed_destroyed: Annotated[
        int, Field(description="in packages that were destroyed or made useless")
    ]
    sampled: Annotated[int, Field(description="drawn for tests, and still held")]
    consumed: Annotated[int, Field(description="in tests")]
    destroyed: int
    reworked: Annotated[int, Field(description="into other lots")]
    used: Annotated[int, Field(description="as a component of other lots")]
    lost: int
    disputed: Annotated[int, Field(description="movements that cannot be, not yet settled")]
    short: Annotated[int, Field(description="so many pieces are told of that there never were")]
    closes: bool

    @classmethod
    def of(
        cls,
        moved: Mapping[MovementKind, int],
        packed: Mapping[str, int],
        used: int = 0,
        flagged: int = 0,
    ) -> Self:
        """`packed`: by the disposition of the packages; `at-line` of those not yet good."""
        places = dict.fromkeys(("packed_at_line", "packed_in_stock", *PLACES.values()), 0)
        for disposition, pieces in packed.items():
            in_place = "packed_at_line" if disposition == "at-line" else None
            places[in_place or PLACES.get(disposition, "packed_in_stock")] += pieces
        at: dict[str, int] = {
            name: moved.get(name, 0)
            for name in ("filled", "found", "consumed", "destroyed", "reworked", "lost")
        }
        at |= {"packed": sum(places.values()), "used": used}
        # Who consumed or returned more than was drawn took it from what is loose.
        drawn = moved.get("sampled", 0) - moved.get("consumed", 0) - moved.get("returned", 0)
        at["sampled"] = max(0, drawn)
        told = ("packed", "sampled", "consumed", "destroyed", "reworked", "used", "lost")
        loose = at["filled"] + at["found"] - sum(at[name] for name in told)
        return cls(
            **at,
            **places,
            loose=loose,
            disputed=flagged,
            short=max(0, -loose),
            closes=loose >= 0 and not flagged,
        )


def balances(connection: Connection, codes: Collection[str] | None) -> dict[str, LotBalance]:
    """Of these lots; of all where None."""
    asked = {"codes": None if codes is None else list(codes)}
    moved: dict[str, dict[MovementKind, int]] = {}
    packed: dict[str, dict[str, int]] = {}
    for row in connection.execute(_MOVED, asked):
        moved.setdefault(row.lot, {})[row.what] = int(row.pieces)
    for row in connection.execute(_IN_PACKAGES, asked):
        packed.setdefault(row.lot, {})[row.place] = int(row.pieces)
    used = {row.lot: int(row.pieces) for row in connection.execute(_USED, asked)}
    return {
        row.lot: LotBalance.of(
            moved.get(row.lot, {}), packed.get(row.lot, {}), used.get(row.lot, 0), row.flagged
        )
        for row in connection.execute(_FLAGGED, asked)
    }


def balance(connection: Connection, code: str) -> LotBalance:
    """Of a lot that there is."""
    return balances(connection, [code])[code]
