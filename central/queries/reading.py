"""One consistent look at the register: a read-only snapshot for everything that an answer says."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from central.db import may_pass, unavailable


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the database. Raises `DatabaseUnavailable`."""
    try:
        with engine.connect() as connection:
            looking = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            with looking.begin():
                yield looking
    except DBAPIError as error:
        if may_pass(error):
            raise unavailable(error.orig) from error
        raise
