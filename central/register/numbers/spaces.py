"""A number space: where its numbers go on, besides what the blocks of signed plans say."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from central import schema
from central.register.acts import CARRIED_OVER, Act


class Spaces:
    """`opened` when the first product names it; `goes on` with the least next number."""

    name = "space"

    def lock(self, connection: Connection, key: str, expected: frozenset[int]) -> None:
        table = schema.number_space
        connection.execute(select(table.c.name).where(table.c.name == key).with_for_update())

    def project(self, connection: Connection, act: Act) -> None:
        """A space is opened once; numbers never go back."""
        table = schema.number_space
        following = 1 if act.what == "opened" else act.payload["next"]
        if act.what in ("opened", CARRIED_OVER):
            connection.execute(
                insert(table).values(name=act.key, next=following).on_conflict_do_nothing()
            )
        else:
            connection.execute(
                table.update()
                .where(table.c.name == act.key, table.c.next < following)
                .values(next=following)
            )


SPACE = Spaces()
