"""The mass balance over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs
from central.queries import balances, lots
from central.queries.models import BalanceRow, Balances, LotBalanceRow, StationRow
from central.register.times import Moment

api = APIRouter(tags=["balances"], route_class=Guarded)


@api.get("/balances", **needs(Right.READ_BALANCES))
def balance(
    desk: AtDesk,
    by: Annotated[
        Literal["order", "gateway", "station", "producer", "lot"],
        Query(description="one row for each"),
    ] = "order",
    since: Annotated[Moment | None, Query(alias="from", description="that moment included")] = None,
    until: Annotated[Moment | None, Query(description="that moment not included")] = None,
) -> Balances:
    """Every number in the one term that holds it now; a producer sees its own orders' numbers.

    By order, gateway and producer the period says when numbers were issued; by station, which is
    issued none, when their first mark was made; by lot, whose pieces are counted, when it was
    opened. All are exact: a row's terms add up to its `issued`, save for what is `unaccounted`, to
    its `spent`, or to what was `filled` and `found`.
    """
    entity = desk.by.entity
    with desk.looking() as connection:
        rows: list[BalanceRow] | list[StationRow] | list[LotBalanceRow]
        if by == "station":
            rows = balances.stations(connection, entity=entity, since=since, until=until)
        elif by == "lot":
            rows = lots.rows(connection, entity=entity, since=since, until=until)
        else:
            rows = balances.rows(connection, by, entity=entity, since=since, until=until)
    return Balances(by=by, since=since, until=until, rows=rows)
