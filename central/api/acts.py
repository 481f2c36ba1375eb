"""The audit trail over HTTP: every act, in order."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from central import schema
from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs
from central.api.listing import SORT, Limit
from central.errors import NotFound
from central.queries import counts
from central.register.subject import no_such
from gateway.contract.encoding import INT8_MAX

api = APIRouter(tags=["acts"], route_class=Guarded)
Filter = Annotated[str | None, Query(max_length=200)]


class ActView(BaseModel):
    """Who did what to which subject, when, why, and on what basis; `second`: the account of who
    confirmed it, where it needs two. While a count is blind, its payloads are null: who may read
    acts may count."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    subject: str
    key: str
    what: str
    payload: dict[str, Any] | None
    account: str
    role: str
    second: str
    reason: str
    basis: str


class Acts(BaseModel):
    """`next` is `after` of the page that follows; null while there is none."""

    items: list[ActView]
    next: int | None


@api.get("/acts", response_model=Acts, **needs(Right.READ_ACTS))
def all_acts(
    desk: AtDesk,
    limit: Limit = 100,
    after: Annotated[
        int, Query(ge=0, le=INT8_MAX, description="those with greater ids; of `-at`, with lesser")
    ] = 0,
    subject: Filter = None,
    key: Filter = None,
    account: Filter = None,
    sort: Annotated[Literal["at", "-at"], SORT] = "at",
) -> Acts:
    """In the order in which they were committed: who has seen up to `after` misses none. By `-at`
    the newest come first."""
    table = schema.act
    wanted = {"subject": subject, "key": key, "account": account}
    newest = sort == "-at"
    beyond = table.c.id < after if newest and after else table.c.id > after
    query = select(table).where(
        beyond,
        *(table.c[name] == value for name, value in wanted.items() if value is not None),
    )
    query = query.order_by(table.c.id.desc() if newest else table.c.id)
    with desk.looking() as connection:
        rows = connection.execute(query.limit(limit + 1)).all()
        blind = counts.blind(connection, {row.key for row in rows if row.subject == "count"})
    more = len(rows) > limit
    return Acts(
        items=[_shown(row, blind) for row in rows[:limit]],
        next=rows[limit - 1].id if more else None,
    )


@api.get("/acts/{id}", response_model=ActView, **needs(Right.READ_ACTS))
def one_act(number: Annotated[int, Path(alias="id", ge=1, le=INT8_MAX)], desk: AtDesk) -> ActView:
    table = schema.act
    with desk.looking() as connection:
        row = connection.execute(select(table).where(table.c.id == number)).one_or_none()
        if row is None:
            raise NotFound(no_such("act", str(number)))
        return _shown(row, counts.blind(connection, {row.key} if row.subject == "count" else set()))


def _shown(row: Any, blind: Collection[str]) -> ActView:
    act = ActView.model_validate(row)
    hidden = act.subject == "count" and act.key in blind
    return act.model_copy(update={"payload": None}) if hidden else act
