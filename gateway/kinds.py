"""What the installed kinds of device can do and how they are set, for people and as JSON."""

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from drivers import catalog
from drivers.address import SCHEMES
from drivers.catalog import Kind

_NOWHERE = {"serial": "serial:///dev/none"}
_SOMEWHERE = "{}://127.0.0.1:9"
"""Nothing is connected: a driver only says whether it would take the URL."""


def described(name: str) -> dict[str, Any]:
    """One kind: `name`, `role`, `summary`, `wires`, `options` (each with `name`, `type`, `default`,
    `meaning`), `explains`; of a marker `single_shot` and `starts`, of a reader `grades` and
    `guessed`. Where the driver cannot be loaded `name` and `fault` alone.
    """
    try:
        kind = catalog.find(name)
    except Exception as fault:  # whatever a third party's module raises is told of that kind
        return {"name": name, "fault": f"{type(fault).__name__}: {fault}"}
    told: dict[str, Any] = {
        "name": kind.name,
        "role": kind.role,
        "summary": _summary(kind),
        "wires": list(kind.wires or (scheme for scheme in SCHEMES if _takes(kind, scheme))),
        "explains": kind.explain is not None,
        "options": list(_options(kind.options)),
    }
    if kind.role == "marker":
        return told | _firing(kind)
    return told | {"grades": kind.grades, "guessed": bool(kind.strangers)}


def every() -> list[dict[str, Any]]:
    return [described(name) for name in catalog.names()]


def in_words(told: dict[str, Any]) -> str:
    """Some lines for a person."""
    if "fault" in told:
        return f"{told['name']}: cannot be used: {told['fault']}"
    lines = [f"{told['name']}: {told['role']}. {told['summary']}"]
    if told["role"] == "marker":
        fired = " or ".join(told["starts"]["default"])
        more = [
            each for each in told["starts"]["possible"] if each not in told["starts"]["default"]
        ]
        lines.append(f"  fired by {fired}" + (f"; by {more[0]} as its options say" if more else ""))
        shot = "can" if told["single_shot"] else "cannot, so only the operator may start it"
        lines.append(f"  armed for one shot: {shot}")
    else:
        lines.append(f"  grade: {'where the reader tells one' if told['grades'] else 'none'}")
    wires = ", ".join(f"{scheme}://" for scheme in told["wires"])
    lines.append(f"  wires: {wires or 'of its own, as its page says'}")
    for option in told["options"]:
        head = f"  {option['name']} = {json.dumps(option['default'])} ({option['type']})"
        lines += textwrap.wrap(f"{head} {option['meaning']}", 100, subsequent_indent=" " * 6)
    return "\n".join(lines)


def _summary(kind: Kind) -> str:
    """The first line of the driver's module."""
    words = (sys.modules[kind.build.__module__].__doc__ or "").strip()
    return words.splitlines()[0] if words else ""


def _takes(kind: Kind, scheme: str) -> bool:
    url = _NOWHERE.get(scheme, _SOMEWHERE.format(scheme))
    try:
        kind.build(url, kind.options(), kind.name)
    except ValueError:
        return False
    return True


def _firing(kind: Kind) -> dict[str, Any]:
    """Who may fire it as it is delivered, and with each of its choices set otherwise."""
    built = [_built(kind, {})]
    for name, field in kind.options.model_fields.items():
        built += [_built(kind, {name: choice}) for choice in _choices(field)]
    markers = [marker for marker in built if marker is not None]
    return {
        "single_shot": all(marker.single_shot for marker in markers),
        "starts": {
            "default": sorted(markers[0].starts) if markers else [],
            "possible": sorted({start for marker in markers for start in marker.starts}),
        },
    }


def _built(kind: Kind, options: dict[str, object]) -> Any:
    for scheme in kind.wires or SCHEMES:
        url = _NOWHERE.get(scheme, _SOMEWHERE.format(scheme))
        try:
            return kind.build(url, kind.options.model_validate(options), kind.name)
        except ValueError:  # this wire, or this choice alone
            continue
    return None


def _choices(field: FieldInfo) -> tuple[object, ...]:
    if field.annotation is bool:
        return (True, False)
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()


def _options(model: type[BaseModel]) -> Iterator[dict[str, Any]]:
    schema = model.model_json_schema()["properties"] if model.model_fields else {}
    meanings = _docstrings(model)
    for name, field in model.model_fields.items():
        yield {
            "name": name,
            "type": _type(schema[field.alias or name]),
            "default": None if field.is_required() else schema[field.alias or name].get("default"),
            "required": field.is_required(),
            "meaning": field.description or meanings.get(name, ""),
        }


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(json.dumps(each) for each in schema["enum"])
    return str(schema.get("type", "value")).replace("null", "none")


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """What stands below each field in the source, where that is at hand."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__[: model.__mro__.index(BaseModel)]):
        try:
            source = textwrap.dedent(inspect.getsource(each))
        except (OSError, TypeError):
            continue
        body = ast.parse(source).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, below in zip(body.body, body.body[1:], strict=False):
            if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
                continue
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                found[field.target.id] = " ".join(str(below.value.value).split())
    return found
