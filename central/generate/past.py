"""Acts that are told as of another time: what a generated register says of its own past."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from pydantic_core import to_jsonable_python
from sqlalchemy import insert

from central import schema
from central.generate.cast import BEGIN
from central.register.acts import Act, Projection, Why, Work

State = TypeVar("State", covariant=True)
NO_REASON = Why()


@dataclass(frozen=True)
class Past(Work):
    """Each act is of the time `at`, and its basis says that it was generated. Nobody else works on
    the register meanwhile, so nothing is locked and no plan is told of it."""

    at: datetime = BEGIN
    basis: str = ""

    def when(self, at: datetime) -> "Past":
        return replace(self, at=at)

    def act(
        self,
        subject: Projection[State],
        key: str,
        what: str,
        payload: Mapping[str, Any] | None = None,
        *,
        why: Why = NO_REASON,
        gateways: Iterable[str] = (),
        expects: bool = False,
    ) -> State:
        """Keep it and carry it out."""
        values = {
            "subject": subject.name,
            "key": key,
            "what": what,
            "payload": to_jsonable_python(payload or {}),
            "reason": why.reason,
        }
        number = self.connection.execute(
            insert(schema.act)
            .values(
                **values,
                at=self.at,
                account=self.by.account,
                role=self.by.role,
                basis=self.basis,
            )
            .returning(schema.act.c.id)
        ).scalar_one()
        return subject.project(self.connection, Act(number, self.at, **values))
