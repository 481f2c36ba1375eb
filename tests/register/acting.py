"""Acts one after another on one subject, without a database: its pure `apply` alone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic_core import to_jsonable_python

from central.register.acts import Act
from central.register.subject import Row

S = TypeVar("S", bound=Row)
START = datetime(2026, 11, 26, 8, tzinfo=UTC)


@dataclass
class Acting(Generic[S]):
    """`state` is what followed from the acts so far; `now` the time of the next."""

    subject: str
    apply: Callable[[S | None, Act], S]
    key: str = "X-1"
    now: datetime = START
    acts: list[Act] = field(default_factory=list)
    states: list[S] = field(default_factory=list)

    @property
    def state(self) -> S | None:
        return self.states[-1] if self.states else None

    def do(self, what: str, payload: Any = None, *, reason: str = "why") -> S:
        """Raises what `apply` raises; the act did not happen then."""
        payload = to_jsonable_python(payload or {})
        number = len(self.acts) + 1
        act = Act(number, self.now, self.subject, self.key, what, payload, reason)
        after = self.apply(self.state, act)
        self.acts.append(act)
        self.states.append(after)
        return after

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)
