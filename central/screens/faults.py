"""What is wrong with a form: said beside the field, and once more above the form."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError


@dataclass(frozen=True)
class Fault:
    """`field` is the one that it stands beside, or nothing where it is about the whole form;
    `code` is a text of the catalogues, under the context `fault`."""

    field: str
    code: str


def found(error: ValidationError, told: Sequence[Fault]) -> list[Fault]:
    """What a model refused, in the words that a form has for its fields; the first of each."""
    refused = [str(fault["loc"][0]) if fault["loc"] else "" for fault in error.errors()]
    return [fault for fault in told if fault.field in refused]
