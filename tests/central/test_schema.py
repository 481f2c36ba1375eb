"""What SQLAlchemy Core is told of the tables is what the migrations make."""

from collections.abc import Callable

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg import errors

from central import config as configuration
from central import db
from central.migrations.run import upgrade
from central.schema import metadata
from tests.support.peer import Peer
from tests.support.registry import Registry

pytestmark = pytest.mark.slow
Line = Callable[..., Peer]


def test_schema_and_migrations_agree(centre: Registry) -> None:
    engine = db.owner_engine(configuration.load(centre.folder / "central.toml"))
    options = {"compare_type": True, "compare_server_default": True}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_migrating_again_changes_nothing(centre: Registry) -> None:
    before = centre.sql("SELECT * FROM setting ORDER BY name")
    engine = db.owner_engine(configuration.load(centre.folder / "central.toml"))
    upgrade(engine)
    engine.dispose()
    assert centre.sql("SELECT * FROM setting ORDER BY name") == before


def test_a_block_is_issued_once_whatever_the_code_does(centre: Registry, line: Line) -> None:
    peer = line()
    again = (
        "INSERT INTO block SELECT 'again', space, int8range(lower(span) + %s, upper(span) + 1),"
        " stream, order_code, plan_incarnation, plan_version FROM block WHERE order_code = %s"
    )
    with pytest.raises(errors.ExclusionViolation):
        centre.sql(again, 19, peer.order)
