"""An import by whoever works on the register's own machine, and what is told of it there."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Engine, select

from central import schema
from central.errors import ConfigError
from central.register.acts import By, Work
from central.register.imports import service
from central.register.imports.models import ADVICE, Fault, ImportKind, NewImport
from central.register.imports.rows import Table

Told = tuple[dict[str, Any], list[str]]
"""For programs, and in lines for people."""


def rehearse(engine: Engine, kind: ImportKind, content: bytes) -> Told:
    """Without any act."""
    table = Table(kind, content)
    with engine.connect() as connection:
        found = service.rehearse(connection, table)
    counts = {"imported": found.imported, "known": found.known, "refused": found.refused}
    return _told({"kind": kind, "dry_run": True} | counts, found.faults)


def take_in(engine: Engine, asked: Mapping[str, str], content: bytes) -> Told:
    """Raises `ConfigError` for a number or a name that is none."""
    try:
        new = NewImport.model_validate(asked)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
        raise ConfigError("; ".join(f"{w['loc'][0]}: {w['msg']}" for w in wrong)) from error
    by = By.command()

    @contextmanager
    def transactions() -> Iterator[Work]:
        with engine.begin() as connection:
            yield Work(connection, by)

    state = service.run(transactions, new, content)
    table = schema.import_refusal
    with engine.connect() as connection:
        rows = connection.execute(
            select(table)
            .where(table.c.import_number == new.number)
            .order_by(table.c.line, table.c.position)
        )
        faults = [Fault.model_validate(row) for row in rows]
    return _told(state.model_dump(mode="json"), faults)


def _told(counts: dict[str, Any], faults: Sequence[Fault]) -> Told:
    lines = [
        f"line {fault.line}{f', {fault.column}' if fault.column else ''}: {fault.what}"
        f" ({fault.code}: {ADVICE[fault.code]})"
        for fault in faults
    ]
    lines.append(
        "{imported} rows imported, {known} known already, {refused} refused".format(**counts)
    )
    told = [fault.model_dump() | {"what_to_do": ADVICE[fault.code]} for fault in faults]
    return counts | {"refusals": told}, lines
