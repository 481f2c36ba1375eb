"""Hypothesis strategies for everything that travels, derived from the models' own fields."""

import json
import types
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

# What JSON can carry and PostgreSQL can hold: no NUL, no lone surrogate.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
finite = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
NASTY: list[bytes] = [
    b"1e999", b"-1e999", b"NaN", b"Infinity", b"-Infinity", b"1" * 25, b"1" * 5000, b"-0", b"1e5",
    b"true", b"null", b'""', b'"\\u0000"', b'"\\uD800"', b'"\\udc00\\ud800"', b"\x00", b"\n",
    b"\r", b"\xed\xa0\x80", b"\xff", b"\xef\xbb\xbf", b"[" * 70 + b"]" * 70, b"[" * 5000,
    b'{"a":' * 3000, b'{"a":1,"a":2}', b'"', b"\\", b",", b"{}", b"[]", b'"0000-00-00"', b"9" * 400,
]  # fmt: skip
nasty = st.sampled_from(NASTY)


def of_model(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Instances of a model: every field, the optional ones with and without a value."""
    return st.builds(
        model,
        **{
            name: _of(field.annotation, tuple(field.metadata))
            for name, field in model.model_fields.items()
        },
    )


def _of(annotation: Any, metadata: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner: list[Any] = []
        for each in arguments[1:]:
            inner += each.metadata if isinstance(each, FieldInfo) else [each]
        return _of(arguments[0], (*metadata, *inner))
    if origin in (Union, types.UnionType):
        return st.one_of([_of(each, metadata) for each in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        shortest = _bound(metadata, "min_length") or 0
        return st.lists(_of(arguments[0]), min_size=shortest, max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(_of(arguments[0]), _of(arguments[1]), max_size=3)
    return _of_plain(annotation, metadata)


def _of_plain(annotation: Any, metadata: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if annotation is type(None):
        return st.none()
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        return st.integers(_bound(metadata, "ge"), _bound(metadata, "le"))
    if annotation is float:
        return finite
    if annotation is datetime:
        return st.datetimes(timezones=st.just(UTC))
    if annotation is str:
        pattern = _bound(metadata, "pattern")
        if pattern is not None:
            return st.from_regex(pattern, fullmatch=True)
        return texts.filter(lambda text: len(text) >= (_bound(metadata, "min_length") or 0))
    assert issubclass(annotation, BaseModel), annotation
    return of_model(annotation)


def _bound(metadata: tuple[Any, ...], name: str) -> Any:
    """A constraint, by name: pydantic keeps a pattern beside the others in an object of its own."""
    return next((getattr(each, name) for each in metadata if hasattr(each, name)), None)


@st.composite
def mangled_bytes(draw: st.DrawFn, valid: list[bytes]) -> bytes:
    """A valid message with one to three places cut out, doubled or replaced."""
    line = draw(st.sampled_from(valid))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(line)))
        end = draw(st.integers(start, min(len(line), start + 30)))
        line = line[:start] + draw(nasty | st.just(b"") | st.just(line[start:end]) | st.binary(
            max_size=4
        )) + line[draw(st.sampled_from([start, end])) :]  # fmt: skip
    return line


@st.composite
def mangled_json(draw: st.DrawFn, valid: list[bytes]) -> bytes:
    """A valid message in which one value, anywhere, is another JSON value or something nasty."""
    value = json.loads(draw(st.sampled_from(valid)))
    places: list[tuple[Any, Any]] = []
    found: list[Any] = [value]
    while found:
        outer = found.pop()
        keys = list(outer) if isinstance(outer, dict) else range(len(outer))
        for key in keys:
            places.append((outer, key))
            if isinstance(outer[key], dict | list) and outer[key]:
                found.append(outer[key])
    outer, key = draw(st.sampled_from(places))
    mark = "\x01replaced\x01"
    outer[key] = mark
    replacement = draw(
        nasty | json_values.map(lambda other: json.dumps(other, ensure_ascii=False).encode())
    )
    return json.dumps(value, ensure_ascii=False).encode().replace(
        json.dumps(mark).encode(), replacement
    )  # fmt: skip
