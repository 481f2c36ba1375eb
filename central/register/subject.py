"""A subject whose state is one row, and what hangs on it: each act is folded into the row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic_core import to_jsonable_python
from sqlalchemy import Connection, Table, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB, insert

from central.errors import Conflict, NotFound, Stale
from central.register.acts import CARRIED_OVER, Act
from central.register.unique import inserting
from central.said import Said, Word, said


class Row(BaseModel):
    """The state of a subject; its fields are the table's columns. `version` is the last act."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    version: int

    @classmethod
    def of(cls, act: Act, **more: Any) -> Self:
        """The state that an act's payload consists of, whole."""
        return cls.model_validate({**act.payload, "version": act.id, **more})


S = TypeVar("S", bound=Row)


@dataclass(frozen=True)
class Part:
    """A field of the state that is kept as rows of a table of its own.

    `parent` is the column that names the subject; `names` gives a column's field where they differ.
    """

    table: Table
    parent: str
    names: Mapping[str, str] = field(default_factory=dict)

    def rows(self, key: str, values: Any) -> list[dict[str, Any]]:
        columns = [column.name for column in self.table.columns if column.name != self.parent]
        return [
            {self.parent: key}
            | {column: value[self.names.get(column, column)] for column in columns}
            for value in values
        ]


@dataclass(frozen=True)
class Subject(Generic[S]):
    """`apply` is pure: (state, act) → state; it raises `Conflict` where there is no such step.

    `key`: the columns that an act's key names, divided by a slash.
    """

    name: str
    table: Table
    model: type[S]
    apply: Callable[[S | None, Act], S]
    key: tuple[str, ...] = ("code",)
    parts: Mapping[str, Part] = field(default_factory=dict)

    def load(self, connection: Connection, key: str, *, lock: bool = False) -> S | None:
        """The state, or None where no act began it."""
        query = select(self.table).filter_by(**self._identity(key))
        if lock:  # the key stays as it is, so that a row which only names this one need not wait
            query = query.with_for_update(key_share=True)
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        (state,) = self._states(connection, [row])
        return state

    def several(self, connection: Connection, keys: Sequence[str]) -> list[S]:
        """The states of these keys, in their order; those that no act began are left out. As many
        statements are executed as for one key."""
        columns = [self.table.c[name] for name in self.key]
        wanted = [tuple(self._identity(key).values()) for key in keys]
        rows = connection.execute(select(self.table).where(tuple_(*columns).in_(wanted)))
        found = {self._key_of(row): row for row in rows}
        return self._states(connection, [found[key] for key in keys if key in found])

    def _states(self, connection: Connection, rows: Sequence[Any]) -> list[S]:
        """With what hangs on each of the rows."""
        states = {self._key_of(row): dict(row._mapping) for row in rows}
        for name, part in self.parts.items():
            for state in states.values():
                state[name] = []
            parent = part.table.c[part.parent]
            hanging = connection.execute(
                select(part.table).where(parent.in_(states)).order_by(*part.table.primary_key)
            )
            for each in hanging:
                values = dict(each._mapping)
                states[values.pop(part.parent)][name].append(
                    {part.names.get(column, column): value for column, value in values.items()}
                )
        return [self.model.model_validate(state) for state in states.values()]

    def require(self, connection: Connection, key: str, *, lock: bool = False) -> S:
        """The state. Raises `NotFound`."""
        state = self.load(connection, key, lock=lock)
        if state is None:
            raise NotFound(no_such(self.name, key))
        return state

    def lock(self, connection: Connection, key: str, expected: frozenset[int]) -> None:
        """Raises `Stale` unless the state has one of the `expected` versions, where any is."""
        state = self.load(connection, key, lock=True)
        if state is not None and expected and state.version not in expected:
            raise Stale(
                said(
                    "{subject} {key} has changed since: its version is {version}",
                    subject=Word(self.name, "subject"),
                    key=key,
                    version=state.version,
                )
            )

    def project(self, connection: Connection, act: Act) -> S:
        """Fold the act into the row. Raises `Conflict` or `NotFound`."""
        before = self.load(connection, act.key)
        after = self.model.of(act) if act.what == CARRIED_OVER else self.apply(before, act)
        self.keep(connection, act.key, before, after)
        return after

    def keep(self, connection: Connection, key: str, before: S | None, after: S) -> None:
        # A part that is left as it was is not written again.
        values = after.model_dump(exclude=set(self.parts))
        for column in self.table.columns:
            if isinstance(column.type, JSONB):
                values[column.name] = to_jsonable_python(values[column.name])
        named = said("{subject} {key}", subject=Word(self.name, "subject"), key=key)
        with inserting(named):
            connection.execute(
                insert(self.table)
                .values(values)
                .on_conflict_do_update(
                    index_elements=list(self.key),
                    set_={name: values[name] for name in values if name not in self.key},
                )
            )
            for name, part in self.parts.items():
                if before is not None and getattr(before, name) == getattr(after, name):
                    continue
                connection.execute(part.table.delete().where(part.table.c[part.parent] == key))
                rows = part.rows(key, after.model_dump(include={name})[name])
                if rows:
                    connection.execute(part.table.insert(), rows)

    def _key_of(self, row: Any) -> str:
        return "/".join(str(row._mapping[name]) for name in self.key)

    def _identity(self, key: str) -> dict[str, str]:
        return dict(zip(self.key, key.split("/", len(self.key) - 1), strict=True))


def new(subject: str, state: object | None, act: Act) -> None:
    """For an act that begins a subject. Raises `Conflict` where there is one."""
    if state is not None:
        raise Conflict(
            said("{subject} {key} exists already", subject=Word(subject, "subject"), key=act.key)
        )


def held(subject: str, state: S | None, act: Act) -> S:
    """For an act on what is there. Raises `NotFound`."""
    if state is None:
        raise NotFound(no_such(subject, act.key))
    return state


def impossible(subject: str, key: str, state: str, what: str) -> Said:
    """That an act does not lead from the state that something is in; `state`: a code, or the word
    that it is of this subject."""
    return said(
        "{subject} {key} is {state}; it cannot be {act}",
        subject=Word(subject, "subject"),
        key=key,
        state=state if isinstance(state, Word) else Word(state, "value"),
        act=Word(what, "act"),
    )


def no_such(subject: str, key: str) -> Said:
    """That the register does not hold it, or that who asks is not to know."""
    return said("no {subject} {key}", subject=Word(subject, "subject"), key=key)
