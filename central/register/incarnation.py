"""The register itself: its incarnation, and whether it was restored and has not heard all since."""

from sqlalchemy import Connection, select

from central import schema
from central.register.acts import CARRIED_OVER, Act


class Settings:
    """`restore declared` begins an incarnation; `all reported` ends the waiting after it."""

    name = "register"

    def lock(self, connection: Connection, key: str, expected: frozenset[int]) -> None:
        connection.execute(select(schema.setting).with_for_update())

    def project(self, connection: Connection, act: Act) -> None:
        """Carry it out on the settings."""
        table = schema.setting
        match act.what:
            case "restore declared":
                changed = {"incarnation": act.payload["incarnation"], "restored": "true"}
            case "all reported":
                changed = {"restored": "false"}
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
