"""The register itself: its incarnation, and whether it was restored.

A register that is proved older than it was takes nothing and issues nothing until
`gjurma-central declare-restore` begins an incarnation.
"""

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from central import schema
from central.errors import RegisterOlder
from central.register.acts import CARRIED_OVER, Act, Why, Work

PROVED_OLDER = "proved older"
WHAT_TO_RUN = "declare the restore on the register's machine: gjurma-central declare-restore"


class Settings:
    """`restore declared` begins an incarnation; `all reported` ends the waiting after it.

    `proved older`: a backup was put in its place, and nobody had declared that.
    """

    name = "register"

    def lock(self, connection: Connection, key: str, expected: frozenset[int]) -> None:
        connection.execute(select(schema.setting).with_for_update())

    def project(self, connection: Connection, act: Act) -> None:
        """Carry it out on the settings."""
        table = schema.setting
        match act.what:
            case "restore declared":
                changed = {"incarnation": act.payload["incarnation"], "restored": "true"}
                connection.execute(table.delete().where(table.c.name == "older"))
            case "all reported":
                changed = {"restored": "false"}
            case str() if act.what == PROVED_OLDER:
                row = insert(table).values(name="older", value=act.reason)
                connection.execute(row.on_conflict_do_nothing())
                return
            case str() if act.what == CARRIED_OVER:
                connection.execute(table.delete())
                rows = [{"name": name, "value": value} for name, value in act.payload.items()]
                connection.execute(table.insert(), rows)
                return
            case _:
                raise AssertionError(act.what)
        for name, value in changed.items():
            connection.execute(table.update().where(table.c.name == name).values(value=value))


REGISTER = Settings()


def current(connection: Connection) -> int:
    """Return the register's incarnation."""
    table = schema.setting
    found = connection.execute(select(table.c.value).where(table.c.name == "incarnation"))
    return int(found.scalar_one())


def older(connection: Connection) -> str | None:
    """Return what proves that this register is older than it was; None where nothing does."""
    return connection.execute(
        select(schema.setting.c.value).where(schema.setting.c.name == "older")
    ).scalar_one_or_none()


def ensure_current(connection: Connection) -> None:
    """Raises `RegisterOlder` while an undeclared restore is proved."""
    why = older(connection)
    if why is not None:
        raise RegisterOlder(why)


def prove_older(work: Work, why: str) -> None:
    """Enter the proof; it stands until a restore is declared."""
    if older(work.connection) is None:
        work.act(REGISTER, str(current(work.connection)), PROVED_OLDER, why=Why(why))
