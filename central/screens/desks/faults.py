"""What the interface refused, beside the fields that it speaks of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from central.screens.desks.asking import Answer
from central.screens.desks.fields import Field


@dataclass(frozen=True)
class Faults:
    """`beside`: by a field's name, what is wrong with it, as a code of the catalogues and in the
    interface's own words. `title`, `what_to_do`, `detail`: of the whole, in the language asked for
    but the last."""

    title: str
    what_to_do: str
    detail: str
    beside: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    english: bool = True
    """Whether `detail`, and what of `beside` has no code, is in English whatever was asked for."""


def faults(told: Answer, drawn: Sequence[Field]) -> Faults:
    """Of an answer that is none: where no field is named, it is about the whole."""
    names = set(_names(drawn))
    beside: dict[str, tuple[str, str]] = {}
    for each in told.body.get("faults", ()):
        where = ".".join(str(part) for part in each["where"][1:])
        near = _nearest(where, names)
        if near:
            beside.setdefault(near, (each["code"], each["detail"]))
    if not beside:
        # A rule of the register names the field that it speaks of: "valid_until: has passed".
        name, colon, detail = (told.told or str(told.body.get("detail", ""))).partition(": ")
        if colon and name in names:
            beside[name] = ("", detail)
    return Faults(
        title=str(told.body.get("title", "")),
        what_to_do=str(told.body.get("what_to_do", "")),
        detail="" if beside else told.told or str(told.body.get("detail", "")),
        english=told.told is None,
        beside=beside,
    )


def _names(drawn: Sequence[Field]) -> Iterator[str]:
    for each in drawn:
        yield each.name
        yield from _names(each.parts)


def _nearest(where: str, names: set[str]) -> str:
    """The field, or what it lies in: a line of several is not drawn as a field of its own."""
    while where and where not in names:
        where = where.rpartition(".")[0]
    return where
