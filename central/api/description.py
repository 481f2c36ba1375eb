"""The interface's own description: what every route can answer, told once for all of them.

A route says what it takes, what it gives and which right it needs; what can go wrong follows from
that. What follows from nothing, it declares itself: `responses={404: {}}`.
"""

from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.routing import compile_path

from central.api.export import FORMATS, in_list

Json = dict[str, Any]
PROBLEM_TYPE = "application/problem+json"
_TEXT: Json = {"schema": {"type": "string"}}
_PROBLEM_HEADERS: Json = {
    "Content-Language": {"description": "en, or sq where it is wished", **_TEXT},
}
_MORE_HEADERS: dict[int, Json] = {
    401: {"WWW-Authenticate": {"description": "Bearer", **_TEXT}},
    429: {"Retry-After": {"description": "In seconds", **_TEXT}},
    503: {"Retry-After": {"description": "In seconds", **_TEXT}},
}
_FORMAT: Json = {
    "name": "format",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": ["json", *FORMATS], "default": "json"},
    "description": "All that follows, as one file, in the place of a page",
}
_ETAG: Json = {"ETag": {"description": "The version, for `If-Match`", **_TEXT}}
_REPLAYED: Json = {
    "Idempotency-Replayed": {"description": "`true` where it was done before", **_TEXT}
}


class Described(FastAPI):
    """An application whose description names every problem that a route can answer."""

    def __init__(self, problem: type[BaseModel], **settings: Any) -> None:
        super().__init__(separate_input_output_schemas=False, **settings)
        self._problem = problem

    def openapi(self) -> Json:
        """Made once, when it is first asked for."""
        if self.openapi_schema is None:
            self.openapi_schema = _completed(super().openapi(), self._problem)
        return self.openapi_schema


def _completed(found: Json, problem: type[BaseModel]) -> Json:
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = problem.model_json_schema()
    for path, method, operation in operations(found):
        _complete(path, method, operation, schemas)
    return found


def operations(description: Json) -> Iterator[tuple[str, str, Json]]:
    """(path, method in lower case, operation)."""
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _complete(path: str, method: str, operation: Json, schemas: Json) -> None:
    guarded = "x-right" in operation
    changes = method != "get"
    operation["parameters"] = [
        _as_sent(parameter)
        for parameter in operation.get("parameters", [])
        if _has_a_use(parameter["name"], changes, "{" in path)
    ]
    answers: Json = operation["responses"]
    if not changes and _is_list(answers["200"], schemas):
        operation["parameters"].append(_FORMAT)
        answers["200"]["content"] |= dict.fromkeys(FORMATS.values(), _TEXT)
    for status, answer in answers.items():
        if status.startswith("2") and guarded:
            headers = _ETAG if _is_versioned(answer, schemas) else {}
            answer["headers"] = headers | (_REPLAYED if changes else {})
    declared = {int(status) for status in answers if status.isdigit() and int(status) >= 400}
    for number in sorted(declared | _follows(path, guarded, changes, operation)):
        answers[str(number)] = {
            "description": HTTPStatus(number).phrase,
            "headers": _PROBLEM_HEADERS | _MORE_HEADERS.get(number, {}),
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }


def _follows(path: str, guarded: bool, changes: bool, operation: Json) -> set[int]:
    """The statuses of the problems that every route of this kind can answer."""
    found = {503}
    if guarded:
        found |= {401, 403}
    if operation["parameters"] or changes:
        found |= {422}
    if "{" in path or (changes and guarded):
        found |= {404}
    if changes:
        found |= {400, 413} | ({409} if guarded else set())
    if changes and guarded and "{" in path:
        found |= {412}
    return found


def _has_a_use(name: str, changes: bool, names_a_subject: bool) -> bool:
    if name == "idempotency-key":
        return changes
    if name == "if-match":
        return changes and names_a_subject
    return True


def _as_sent(parameter: Json) -> Json:
    """Left out is not null: there is no null in an address or a header."""
    schema = parameter["schema"]
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return parameter
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return parameter | {"schema": rest | kinds[0]}


def _is_versioned(answer: Json, schemas: Json) -> bool:
    return "version" in _properties(answer, schemas)


def _is_list(answer: Json, schemas: Json) -> bool:
    return in_list(_properties(answer, schemas)) is not None


def _properties(answer: Json, schemas: Json) -> Json:
    """Of what is answered as JSON, where that has a name."""
    reference = answer.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref")
    if reference is None:
        return {}
    found: Json = schemas[reference.rpartition("/")[2]].get("properties", {})
    return found


def methods_at(app: FastAPI, path: str) -> list[str]:
    """What may be done at an address of the interface; one that is named as such goes first."""
    named = app.openapi()["paths"].get(path)
    if named is not None:
        return sorted(method.upper() for method in named)
    return sorted(
        {
            method.upper()
            for regex, methods in _addresses(app)
            if regex.match(path)
            for method in methods
        }
    )


@cache
def _addresses(app: FastAPI) -> list[tuple[Any, tuple[str, ...]]]:
    return [
        (compile_path(path)[0], tuple(methods)) for path, methods in app.openapi()["paths"].items()
    ]
