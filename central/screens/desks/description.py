"""The interface's own description, read for what a desk may ask and what it will be told."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from central.screens.desks.asking import PREFIX

Schema = Mapping[str, Any]
_OF_A_PAGE = frozenset({"limit", "cursor", "format", "after", "sort"})
_NUMBERS = frozenset({"integer", "number"})


@dataclass(frozen=True)
class Step:
    """What can be done to one: `name` is the last part of its address."""

    name: str
    right: str
    body: Schema


@dataclass(frozen=True)
class Description:
    """An OpenAPI document."""

    whole: Schema

    @cached_property
    def _paths(self) -> Mapping[str, Schema]:
        found: Mapping[str, Schema] = self.whole["paths"]
        return found

    def plain(self, schema: Schema) -> dict[str, Any]:
        """Without references; what may be null is `nullable` and else what it is."""
        if "$ref" in schema:
            name = str(schema["$ref"]).rpartition("/")[2]
            more = {key: value for key, value in schema.items() if key != "$ref"}
            return self.plain(self.whole["components"]["schemas"][name]) | more
        kinds = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
        if len(kinds) == 1:
            rest = {key: value for key, value in schema.items() if key != "anyOf"}
            nullable = len(schema["anyOf"]) > 1
            return self.plain(kinds[0]) | rest | {"nullable": nullable}
        return dict(schema)

    def filters(self, path: str) -> dict[str, Schema]:
        """Of a list, the query's parameters but those of its pages."""
        return {
            each["name"]: self.plain(each["schema"])
            for each in self._operation("get", path).get("parameters", ())
            if each["in"] == "query" and each["name"] not in _OF_A_PAGE
        }

    def follows(self, path: str) -> str:
        """Of a list, the parameter by which the page that is `next` is asked for."""
        names = [each["name"] for each in self._operation("get", path).get("parameters", ())]
        return "cursor" if "cursor" in names else "after"

    def sorts(self, path: str) -> tuple[str, tuple[str, ...]]:
        """Of a list, how it is sorted by itself, and all that it may be sorted by."""
        for each in self._operation("get", path).get("parameters", ()):
            if each["name"] == "sort":
                schema = self.plain(each["schema"])
                return str(schema.get("default", "")), tuple(schema["enum"])
        return "", ()

    def row(self, path: str) -> Schema:
        """Of a list's rows, the properties by name."""
        answer = self.plain(self.answer("get", path))
        items = self.plain(answer["properties"]["items"])
        found: Schema = self.plain(items["items"])["properties"]
        return found

    def numbers(self, path: str, columns: Sequence[str]) -> tuple[bool, ...]:
        """By column of a list, whether it holds numbers, though a page of it may hold none."""
        row = self.row(path)
        return tuple(self.plain(row[each]).get("type") in _NUMBERS for each in columns)

    def new(self, path: str) -> Step | None:
        """What is sent to a list's address to enter one, if that can be by a form alone."""
        told = self._paths[PREFIX + path].get("post")
        written = told is not None and "application/json" in told["requestBody"]["content"]
        return self._step("new", path) if written else None

    def steps(self, one: str) -> Iterator[Step]:
        """What can be done to one; `one`: its address, as `/licences/{number}`."""
        begin = f"{PREFIX}{one}/"
        for path, methods in self._paths.items():
            name = path.removeprefix(begin)
            if path.startswith(begin) and "/" not in name and "post" in methods:
                yield self._step(name, path.removeprefix(PREFIX))

    def _step(self, name: str, path: str) -> Step:
        return Step(name, self._operation("post", path)["x-right"], self.body("post", path))

    def body(self, method: str, path: str) -> Schema:
        """What is sent."""
        told = self._operation(method, path)["requestBody"]["content"]["application/json"]
        return self.plain(told["schema"])

    def answer(self, method: str, path: str) -> Schema:
        """The schema of what it answers when all went well."""
        for status, told in self._operation(method, path)["responses"].items():
            if str(status).startswith("2"):
                found: Schema = told["content"]["application/json"]["schema"]
                return found
        raise KeyError(path)

    def _operation(self, method: str, path: str) -> Schema:
        found: Schema = self._paths[PREFIX + path][method]
        return found
