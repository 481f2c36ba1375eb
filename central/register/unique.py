"""PostgreSQL's word that something exists, or does not, in the register's terms."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import errors as pg
from sqlalchemy.exc import IntegrityError

from central.errors import Conflict, NotFound
from central.said import Said, Word, said


@contextmanager
def inserting(what: str) -> Iterator[None]:
    """Turn a unique violation into `Conflict`, a broken reference into `NotFound`."""
    try:
        yield
    except IntegrityError as error:
        if isinstance(error.orig, pg.UniqueViolation):
            raise Conflict(
                said("{what}: {name} is taken", what=what, name=_named(error.orig))
            ) from error
        if isinstance(error.orig, pg.ForeignKeyViolation):
            raise NotFound(
                said("{what}: there is no {name}", what=what, name=_named(error.orig))
            ) from error
        raise


def _named(error: pg.Error) -> Said:
    """What the caller gave, out of `Key (entity)=(UMG) …`; nothing of how it is kept."""
    found = re.match(r"Key \((.*?)\)=\((.*)\) ", error.diag.message_detail or "", re.DOTALL)
    if not found:
        return said("such name")
    return said("{field} {value}", field=Word(found[1], "field"), value=found[2])
