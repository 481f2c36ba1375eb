"""How a lot's acts become rows: the lot, each movement of it, each package that was opened."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert

from central import schema
from central.errors import NotFound
from central.register.acts import Act
from central.register.lots.rules import MOVES, Lot, apply, verdict
from central.register.subject import Part, Subject
from central.register.unique import inserting
from central.said import said


@dataclass(frozen=True)
class _Lots(Subject[Lot]):
    """Its movements are rows that hang on it, of which an act adds one, or settles one."""

    def project(self, connection: Connection, act: Act) -> Lot:
        """Raises `Conflict` or `NotFound`."""
        lot = super().project(connection, act)
        if act.what in MOVES:
            _add(connection, act)
        elif act.what == "settled":
            _settle(connection, act)
        return lot


LOT = _Lots(
    "lot",
    schema.lot,
    Lot,
    apply,
    parts={"components": Part(schema.lot_component, "lot", {"component": "lot"})},
)


def _add(connection: Connection, act: Act) -> None:
    told = act.payload
    with inserting(said("movement {number}", number=told["number"])):
        connection.execute(
            insert(schema.lot_movement).values(
                number=told["number"],
                lot=act.key,
                what=act.what,
                quantity=told["quantity"],
                happened=datetime.fromisoformat(told["happened"]),
                into=told["into"],
                document=told["document"],
                verdict=verdict(act),
                stands=True,
                settled=None,
                version=act.id,
            )
        )
    if told["packages"]:
        connection.execute(
            insert(schema.lot_unpacked),
            [{"movement": told["number"], **package} for package in told["packages"]],
        )


def _settle(connection: Connection, act: Act) -> None:
    table = schema.lot_movement
    done = connection.execute(
        table.update()
        .where(table.c.lot == act.key, table.c.number == act.payload["movement"])
        .values(stands=act.payload["stands"], settled=act.id)
    )
    if done.rowcount != 1:
        raise NotFound(
            said(
                "lot {code} has no movement {movement}",
                code=act.key,
                movement=act.payload["movement"],
            )
        )
