"""A block whose unused numbers are void: no plan names it from now on.

`expired`: they were issued too long ago and were not used. `closed`: their order is. The plan
process finds out, by the clock or by what an officer did, so the acts are its own.
"""

from sqlalchemy import Connection

from central import schema
from central.register.acts import Act
from central.register.unique import inserting


class Blocks:
    """One act a block at most."""

    name = "block"

    def lock(self, connection: Connection, key: str, expected: frozenset[int]) -> None:
        """Nobody but the one plan process acts on a block."""

    def project(self, connection: Connection, act: Act) -> None:
        """Raises `Conflict` where it is void already."""
        with inserting(f"the end of block {act.key}"):
            connection.execute(
                schema.voided_block.insert().values(block=act.key, cause=act.what, at=act.at)
            )


BLOCK = Blocks()
