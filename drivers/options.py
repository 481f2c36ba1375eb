"""Reads a driver's options from a command line, and says in words what is wrong with them."""

from collections.abc import Iterable
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError


def given(model: type[BaseModel], pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the options written as NAME=VALUE, in the shape that `model` takes.

    A list is written with commas, or its name again and again. Raises ValueError for another name
    given twice.
    """
    options: dict[str, Any] = {}
    for name, value in pairs:
        field = model.model_fields.get(name)
        if field is not None and get_origin(field.annotation) in (list, tuple):
            options.setdefault(name, []).extend(each for each in value.split(",") if each)
        elif name in options:
            raise ValueError(f"option {name} is given twice")
        else:
            options[name] = value
    return options


def in_words(kind: str, message: str) -> str:
    """Say pydantic's verdict as a person would."""
    if kind == "extra_forbidden":
        return "no such key; take it out or correct its spelling"
    if kind == "missing":
        return "is missing"
    return message.removeprefix("Value error, ")


def option_faults(fault: ValidationError) -> list[str]:
    """Say what is wrong with the options, a line each, without pydantic's own text."""
    return [
        f"{'.'.join(('options', *(str(part) for part in each['loc'])))}: "
        f"{in_words(each['type'], each['msg'])}"
        for each in fault.errors(include_url=False, include_input=False)
    ]
