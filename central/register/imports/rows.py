"""A line of a file as a row of its kind, or what is wrong in each of its cells. Pure."""

import re
from collections.abc import Iterator

from pydantic import ValidationError

from central.errors import Refused
from central.register.imports import faults
from central.register.imports.columns import Heads, heads
from central.register.imports.models import (
    MODELS,
    Fault,
    ImportKind,
    Sheet,
)
from central.register.imports.tabular import Line, lines
from central.said import said

_KINDS_APART = re.compile(r"[\s,;|]+")


class Table:
    """A file of one kind. `last` is the line of its last row.

    It is read whole before anything is done with a row of it. Raises `Refused` for what is no file
    of that kind.
    """

    def __init__(self, kind: ImportKind, content: bytes) -> None:
        self.kind = kind
        first, *self._lines = list(lines(content)) or [Line(1, ())]
        if not self._lines:
            raise Refused(said("the file has no row under its headings"))
        self.heads: Heads = heads(kind, first)
        self.last = self._lines[-1].number

    def rows(self) -> Iterator[tuple[int, Sheet | list[Fault]]]:
        """Each line's number, with its row or its faults."""
        return ((line.number, self._row(line)) for line in self._lines)

    def _row(self, line: Line) -> Sheet | list[Fault]:
        fields = self.heads.fields
        beyond = [
            at
            for at, cell in enumerate(line.cells, start=1)
            if cell and (at > len(fields) or fields[at - 1] is None)
        ]
        if beyond:
            what = faults.under_no_heading(beyond[0], faults.shown(line.cells[beyond[0] - 1]))
            return [Fault(line=line.number, column="", position=0, code="malformed", what=what)]
        given = {
            column.field: cell
            for column, cell in zip(fields, line.cells, strict=False)
            if column is not None and cell
        }
        values: dict[str, object] = dict(given)
        if "kinds" in given:
            values["kinds"] = _KINDS_APART.split(given["kinds"])
        try:
            return MODELS[self.kind].model_validate(values)
        except ValidationError as error:
            return self._faults(line, given, error)

    def _faults(self, line: Line, given: dict[str, str], error: ValidationError) -> list[Fault]:
        """One a cell."""
        found: dict[str, Fault] = {}
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            field = str(each["loc"][0]) if each["loc"] else ""
            if field in found:
                continue
            right = self.heads.right(field)
            if field in given:
                what = faults.not_right(faults.shown(given[field]), right)
                found[field] = self.fault(line.number, field, "malformed", what)
            else:
                found[field] = self.fault(line.number, field, "missing", faults.empty(right))
        return sorted(found.values(), key=lambda fault: fault.position)

    def fault(self, line: int, field: str, code: str, what: str) -> Fault:
        """In the column of a field."""
        column, position = self.heads.where(field)
        return Fault.model_validate(
            {"line": line, "column": column, "position": position, "code": code, "what": what}
        )
