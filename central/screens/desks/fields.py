"""Forms: drawn from a request body's schema, filled from what is there, and read back as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from central.screens.desks.dates import (
    ENDS,
    day_read,
    day_shown,
    end_read,
    moment_read,
    moment_shown,
)
from central.screens.desks.description import Description, Schema
from central.screens.viewer import Form
from central.screens.words import typed, visible

Kind: TypeAlias = Literal[
    "text",
    "long",
    "number",
    "moment",
    "day",
    "flag",
    "choice",
    "choices",
    "lines",
    "group",
    "rows",
    "password",
    "digest",
]
BLANK_ROWS = 2
"""So many empty rows follow those that are filled."""
_LONG = 200
_SHA256 = "^[0-9a-f]{64}$"
_LAST = frozenset({"reason", "basis"})
"""Asked last: what is done is decided before why. What has to be there is asked first."""


@dataclass(frozen=True)
class Field:
    """`name` is its place in the body, `template.content`; `label` the last part of that. `value`:
    as the control has it; of `choices` and `lines` several. `parts`: of a group its fields, of rows
    a group for each. `line`: what a row answers."""

    name: str
    label: str
    kind: Kind
    required: bool = False
    longest: int | None = None
    options: tuple[str, ...] = ()
    value: str = ""
    values: tuple[str, ...] = ()
    parts: tuple["Field", ...] = ()
    line: str = ""

    def holds(self, kind: Kind) -> bool:
        """Whether it is of this kind, or one within it."""
        return self.kind == kind or any(part.holds(kind) for part in self.parts)


@dataclass(frozen=True)
class Drawer:
    """Draws a body's fields and reads them back, both by its schema alone. `lines`: by the name of
    rows, what each of them answers, where they answer a list that stands."""

    description: Description
    lines: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def fields(self, body: Schema, known: Mapping[str, Any]) -> tuple[Field, ...]:
        """`known`: what stands in it already, as JSON."""
        return tuple(self._all(body, known, ""))

    def again(self, body: Schema, form: Form) -> tuple[Field, ...]:
        """As they were sent, to be put right."""
        return tuple(_sent(each, form) for each in self.fields(body, self.read(body, form)))

    def read(self, body: Schema, form: Form) -> dict[str, Any]:
        """What was sent, as JSON. What cannot be read is left as it was written: the interface
        says at which place it is wrong."""
        found = self._read_object(body, form, "")
        return found if isinstance(found, dict) else {}

    def begun(self, body: Schema, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Of a body whose form began empty: a list that may be absent is absent where nothing was
        written into it, for an empty one would say that there is to be none."""
        properties = body.get("properties", {})
        return {
            name: None
            if value == [] and self.description.plain(properties[name]).get("nullable")
            else value
            for name, value in sent.items()
        }

    def changed(self, body: Schema, known: Mapping[str, Any], sent: Mapping[str, Any]) -> Any:
        """Of a body in which whatever is left out stays as it is, what differs from `known`; any
        other is sent whole. A moment that was left as it was shown keeps its seconds."""
        properties = body.get("properties", {})
        told = [each for each in properties if each not in _LAST]
        kept = {name: known[name] for name in told if self._is_as_shown(name, body, known, sent)}
        sent = {**sent, **kept}
        if not all(self.description.plain(properties[each]).get("nullable") for each in told):
            return sent
        same = {each for each in told if _bare(sent.get(each)) == _bare(known.get(each))}
        return {name: value for name, value in sent.items() if name not in same}

    def _is_as_shown(
        self, name: str, body: Schema, known: Mapping[str, Any], sent: Mapping[str, Any]
    ) -> bool:
        values = known.get(name), sent.get(name)
        if self.kind(self.description.plain(body["properties"][name])) != "moment":
            return False
        return all(values) and moment_shown(str(values[0])) == moment_shown(str(values[1]))

    # --- drawing ------------------------------------------------------------------------------

    def _all(self, body: Schema, known: Mapping[str, Any], prefix: str) -> Iterator[Field]:
        required = frozenset(body.get("required", ()))
        properties = body.get("properties", {})
        for name in sorted(properties, key=lambda each: (each in _LAST, each not in required)):
            schema = self.description.plain(properties[name])
            value = known.get(name, schema.get("default"))
            yield self._one(prefix + name, name, schema, value, name in required)

    def _one(self, name: str, label: str, schema: Schema, value: Any, required: bool) -> Field:
        drawn = Field(name, label, self.kind(schema), required, schema.get("maxLength"))
        told = "" if value is None else value
        match drawn.kind:
            case "group":
                inside = told if isinstance(told, Mapping) else {}
                # What may be absent is drawn empty: a default in it would be sent as if written.
                if told == "" and schema.get("nullable"):
                    nothing = dict.fromkeys(schema["properties"])
                    parts = self._all(schema, nothing, f"{name}.")
                    return replace(drawn, parts=tuple(_open(part) for part in parts))
                return replace(drawn, parts=tuple(self._all(schema, inside, f"{name}.")))
            case "rows":
                return replace(drawn, parts=tuple(self._rows(name, label, schema, told or [])))
            case "choice":
                blank = () if required and told == "" else ("",)
                options = (*blank, *map(str, schema["enum"]))
                return replace(drawn, options=options, value=str(told))
            case "flag":
                if schema.get("nullable"):
                    value = str(told).lower()
                    return replace(drawn, kind="choice", options=("", "true", "false"), value=value)
                return replace(drawn, value="true" if told is True else "")
            case "choices":
                options = tuple(map(str, self.description.plain(schema["items"])["enum"]))
                return replace(drawn, options=options, values=tuple(map(str, told or ())))
            case "lines":
                return replace(drawn, values=tuple(visible(str(each)) for each in told or ()))
            case "moment":
                return replace(drawn, value=moment_shown(str(told)))
            case "day":
                return replace(drawn, value=day_shown(str(told)))
            case "password":  # never shown again, not even to who has just written it
                return drawn
        return replace(drawn, value=visible(str(told)))

    def _rows(self, name: str, label: str, schema: Schema, told: Sequence[Any]) -> Iterator[Field]:
        inside = self.description.plain(schema["items"]) | {"nullable": True}
        lines = self.lines.get(name, ())
        for place in range(len(lines) or len(told) + BLANK_ROWS):
            known = told[place] if place < len(told) else None
            row = self._one(f"{name}.{place}", label, inside, known, False)
            yield replace(row, line=lines[place]) if lines else row

    def kind(self, schema: Schema) -> Kind:
        """Which control a value of this schema is written into."""
        match schema.get("type"):
            case "object":
                return "group" if schema.get("properties") else "long"
            case "array":
                items = self.description.plain(schema.get("items", {}))
                if items.get("type") == "object":
                    return "rows"
                return "choices" if "enum" in items else "lines"
            case "boolean":
                return "flag"
            case "integer" | "number":
                return "number"
        if "enum" in schema:
            return "choice"
        if schema.get("format") == "date-time":
            return "moment"
        if schema.get("format") == "date":
            return "day"
        if schema.get("format") == "password":
            return "password"
        if schema.get("pattern") == _SHA256:
            return "digest"
        return "long" if schema.get("maxLength", 0) > _LONG else "text"

    # --- reading ------------------------------------------------------------------------------

    def _read_object(self, body: Schema, form: Form, prefix: str) -> dict[str, Any] | None:
        """None where nothing at all was written into it."""
        found: dict[str, Any] = {}
        for name, told in body.get("properties", {}).items():
            schema = self.description.plain(told)
            value = self._read(schema, form, prefix + name)
            if value is not None or (schema.get("nullable") and not prefix):
                found[name] = value
        written = (value for value in found.values() if value not in (None, False, [], {}))
        return found if not prefix or any(True for _ in written) else None

    def _read(self, schema: Schema, form: Form, name: str) -> Any:
        match self.kind(schema):
            case "group":
                return self._read_object(schema, form, f"{name}.")
            case "rows":
                inside = self.description.plain(schema["items"])
                count = 1 + max(_places(form, name), default=-1)
                rows = (self._read(inside, form, f"{name}.{place}") for place in range(count))
                return [row for row in rows if row is not None]
            case "choices":
                return list(form.all(name))
            case "lines":
                lines = (typed(line.strip()) for line in form.get(name).splitlines())
                return [line for line in lines if line]
            case "flag" if not schema.get("nullable"):
                return form.get(name) == "true"
            case "flag":
                return {"true": True, "false": False}.get(form.get(name))
            case "number":
                return _number(form.get(name))
            case "moment":
                read = end_read if name.rpartition(".")[2] in ENDS else moment_read
                return read(form.get(name)) or None
            case "day":
                return day_read(form.get(name)) or None
            case "password":
                return form.raw(name) or None
        return typed(form.get(name)) or None


def _open(part: Field) -> Field:
    """A choice that may be left open: a browser sends the first where none is blank, and what is
    empty would say something."""
    if part.kind != "choice" or "" in part.options:
        return part
    return replace(part, options=("", *part.options))


def _sent(drawn: Field, form: Form) -> Field:
    """With what was written, also where it could not be read."""
    if drawn.parts:
        return replace(drawn, parts=tuple(_sent(part, form) for part in drawn.parts))
    if drawn.kind in ("text", "long", "number", "moment", "day", "choice", "digest"):
        return replace(drawn, value=form.get(drawn.name))
    return drawn


def _places(form: Form, name: str) -> Iterator[int]:
    """Of rows, those that were sent."""
    for key, _ in form.fields:
        if key.startswith(f"{name}."):
            place = key.removeprefix(f"{name}.").partition(".")[0]
            if place.isdecimal() and len(place) < 4:
                yield int(place)


def _bare(value: Any) -> Any:
    """Without what says nothing: what was never told and what was told to be nothing are one."""
    if isinstance(value, Mapping):
        bare = {name: _bare(each) for name, each in value.items()}
        return {name: each for name, each in bare.items() if each is not None} or None
    if isinstance(value, list):
        return [_bare(each) for each in value] or None
    return None if value == "" else value


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text or None
