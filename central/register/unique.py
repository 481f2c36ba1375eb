"""PostgreSQL's word that something exists, or does not, in the register's terms."""

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
            raise Conflict(f"{what} exists already: {_detail(error.orig)}") from error
        if isinstance(error.orig, pg.ForeignKeyViolation):
            raise NotFound(f"{what}: {_detail(error.orig)}") from error
        raise


def _detail(error: pg.Error) -> str:
    return error.diag.message_detail or ""
