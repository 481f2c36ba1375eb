"""PostgreSQL's word that something exists, or does not, in the register's terms."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import errors as pg
from sqlalchemy.exc import IntegrityError

from central.errors import Conflict, NotFound


@contextmanager
def inserting(what: str) -> Iterator[None]:
    """Turn a unique violation into `Conflict`, a broken reference into `NotFound`."""
    try:
        yield
    except IntegrityError as error:
        if isinstance(error.orig, pg.UniqueViolation):
            raise Conflict(f"{what}: {_named(error.orig)} is taken") from error
        if isinstance(error.orig, pg.ForeignKeyViolation):
            raise NotFound(f"{what}: there is no {_named(error.orig)}") from error
        raise


def _named(error: pg.Error) -> str:
    """What the caller gave, out of `Key (entity)=(UMG) …`; nothing of how it is kept."""
    found = re.match(r"Key \((.*?)\)=\((.*)\) ", error.diag.message_detail or "", re.DOTALL)
    return f"{found[1]} {found[2]}" if found else "such name"
