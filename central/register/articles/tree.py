"""What lies in what: all that is in a package, and all that is around an article."""

from collections.abc import Collection

from sqlalchemy import CTE, Connection, lateral, literal_column, select, true

from central import schema


def below(packages: Collection[str], *columns: str) -> CTE:
    """`code`, these columns and `depth` of all that lies in the packages; depth 1: directly."""
    table = schema.article
    wanted = [table.c[name] for name in ("code", *columns)]
    found = (
        select(*wanted, literal_column("1").label("depth"))
        .where(table.c.package.in_(list(packages)))
        .cte("below", recursive=True)
    )
    # Each package by itself: whoever takes a pallet to be large reads all that lies in anything.
    inside = lateral(select(*wanted).where(table.c.package == found.c.code).offset(0))
    return found.union_all(
        select(*inside.c, found.c.depth + 1).select_from(found.join(inside, true()))
    )


def around(connection: Connection, code: str) -> list[str]:
    """The packages that an article lies in, from the inside out."""
    table = schema.article
    found = (
        select(table.c.package, literal_column("1").label("depth"))
        .where(table.c.code == code)
        .cte("around", recursive=True)
    )
    found = found.union_all(
        select(table.c.package, found.c.depth + 1).where(table.c.code == found.c.package)
    )
    rows = connection.execute(
        select(found.c.package).where(found.c.package.is_not(None)).order_by(found.c.depth)
    )
    return list(rows.scalars())
